package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"lockstep/internal/failure"
)

// Secret reads the data of a Secret.
func (c *Client) Secret(ctx context.Context, namespace, name string) (data map[string][]byte, found bool, err error) {
	secret, err := c.kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, Classify("reading Secret "+namespace+"/"+name, err)
	}
	return secret.Data, true, nil
}

// CreateSecret makes a Secret. One of that name that is there already stays as it is.
func (c *Client) CreateSecret(ctx context.Context, namespace, name string, typ corev1.SecretType, labels map[string]string, data map[string][]byte) (created bool, err error) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Type: typ, Data: data}
	_, err = c.kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{FieldManager: FieldManager})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	return err == nil, Classify("making Secret "+namespace+"/"+name, err)
}

// ConfigMap reads the data of a ConfigMap.
func (c *Client) ConfigMap(ctx context.Context, namespace, name string) (data map[string]string, found bool, err error) {
	configMap, err := c.kube.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, Classify("reading ConfigMap "+namespace+"/"+name, err)
	}
	return configMap.Data, true, nil
}

// CreateConfigMap makes a ConfigMap. One of that name that is there already stays as it is.
func (c *Client) CreateConfigMap(ctx context.Context, namespace, name string, labels, data map[string]string) (created bool, err error) {
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Data: data}
	_, err = c.kube.CoreV1().ConfigMaps(namespace).Create(ctx, configMap, metav1.CreateOptions{FieldManager: FieldManager})
	if apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	return err == nil, Classify("making ConfigMap "+namespace+"/"+name, err)
}

// PatchConfigMap sets one key of a ConfigMap, or removes it if the value is empty.
func (c *Client) PatchConfigMap(ctx context.Context, namespace, name, key, value string) error {
	data := map[string]*string{key: nil}
	if value != "" {
		data[key] = &value
	}
	patch, err := json.Marshal(map[string]any{"data": data})
	if err == nil {
		_, err = c.kube.CoreV1().ConfigMaps(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
	}
	return Classify("changing ConfigMap "+namespace+"/"+name, err)
}

// Checksum is a digest of a Secret's data, for an annotation that restarts pods when the data changes.
func (c *Client) Checksum(ctx context.Context, namespace, secret string) (string, error) {
	data, found, err := c.Secret(ctx, namespace, secret)
	if err != nil {
		return "", err
	}
	if !found {
		return "", &failure.Error{Kind: failure.NotFound, Doing: "reading Secret " + namespace + "/" + secret, Cause: fmt.Errorf("it does not exist"),
			Next: "create it, or correct its name in the environment file"}
	}
	return checksum(data), nil
}

func checksum(data map[string][]byte) string {
	sum := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(data)) {
		// Lengths keep {"a": "bc"} apart from {"ab": "c"}.
		fmt.Fprintf(sum, "%d:%s%d:", len(key), key, len(data[key]))
		sum.Write(data[key])
	}
	return hex.EncodeToString(sum.Sum(nil))
}
