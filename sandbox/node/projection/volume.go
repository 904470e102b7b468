// Package projection is what a pod takes from Secrets, ConfigMaps and its own fields: the files of its volumes and the
// environment of its containers.
package projection

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// A Pod is what projections are made from.
type Pod struct {
	Client  kubernetes.Interface // to read Secrets and ConfigMaps
	Object  *corev1.Pod
	Address netip.Addr
	Node    string // its name
	HostIP  string
}

// volumeFile is one file of a volume.
type volumeFile struct {
	data []byte
	mode fs.FileMode
}

// SetUpVolume writes a volume's files to dir, or says in a kubelet's words why it cannot.
func (p Pod) SetUpVolume(ctx context.Context, volume corev1.Volume, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if volume.EmptyDir != nil {
		return nil
	}
	files, err := p.volumeFiles(ctx, volume)
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		target := filepath.Join(dir, filepath.Clean("/"+path))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		_ = os.Remove(target) // of an earlier attempt
		if err := os.WriteFile(target, files[path].data, 0o600); err != nil {
			return err
		}
		// The owner may always read: on a real node it is root that owns the file and the pod's group that reads it.
		if err := os.Chmod(target, files[path].mode|0o400); err != nil {
			return err
		}
	}
	return nil
}

func (p Pod) volumeFiles(ctx context.Context, volume corev1.Volume) (map[string]volumeFile, error) {
	switch {
	case volume.ConfigMap != nil:
		source := volume.ConfigMap
		return p.configMapFiles(ctx, source.Name, source.Items, source.DefaultMode, ptr.Deref(source.Optional, false))
	case volume.Secret != nil:
		source := volume.Secret
		return p.secretFiles(ctx, source.SecretName, source.Items, source.DefaultMode, ptr.Deref(source.Optional, false))
	case volume.DownwardAPI != nil:
		return p.downwardFiles(volume.DownwardAPI.Items, volume.DownwardAPI.DefaultMode)
	case volume.Projected != nil:
		return p.projectedFiles(ctx, volume.Projected)
	}
	return nil, fmt.Errorf("the sandbox node has no volumes of this type: use configMap, secret, emptyDir, downwardAPI or projected")
}

func (p Pod) projectedFiles(ctx context.Context, projected *corev1.ProjectedVolumeSource) (map[string]volumeFile, error) {
	all := map[string]volumeFile{}
	for _, source := range projected.Sources {
		var files map[string]volumeFile
		var err error
		switch {
		case source.ConfigMap != nil:
			files, err = p.configMapFiles(ctx, source.ConfigMap.Name, source.ConfigMap.Items, projected.DefaultMode, ptr.Deref(source.ConfigMap.Optional, false))
		case source.Secret != nil:
			files, err = p.secretFiles(ctx, source.Secret.Name, source.Secret.Items, projected.DefaultMode, ptr.Deref(source.Secret.Optional, false))
		case source.DownwardAPI != nil:
			files, err = p.downwardFiles(source.DownwardAPI.Items, projected.DefaultMode)
		case source.ServiceAccountToken != nil:
			files, err = p.tokenFile(ctx, source.ServiceAccountToken, projected.DefaultMode)
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, files)
	}
	return all, nil
}

// tokenFile has a token that ends with the pod. It is not renewed: those of the API server's own audience last a year.
func (p Pod) tokenFile(ctx context.Context, source *corev1.ServiceAccountTokenProjection, mode *int32) (map[string]volumeFile, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: p.Object.Name, UID: p.Object.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	account := p.Object.Spec.ServiceAccountName
	granted, err := p.Client.CoreV1().ServiceAccounts(p.Object.Namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("failed to fetch token: %w", err)
	}
	return map[string]volumeFile{source.Path: {data: []byte(granted.Status.Token), mode: fs.FileMode(ptr.Deref(mode, 0o644))}}, nil
}

func (p Pod) configMapFiles(ctx context.Context, name string, items []corev1.KeyToPath, mode *int32, optional bool) (map[string]volumeFile, error) {
	object, err := p.Client.CoreV1().ConfigMaps(p.Object.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional {
		return nil, nil
	}
	if err != nil {
		return nil, missing("configmap", name, err)
	}
	data := maps.Clone(object.BinaryData)
	if data == nil {
		data = map[string][]byte{}
	}
	for key, value := range object.Data {
		data[key] = []byte(value)
	}
	return keyFiles("config", data, items, mode, optional)
}

func (p Pod) secretFiles(ctx context.Context, name string, items []corev1.KeyToPath, mode *int32, optional bool) (map[string]volumeFile, error) {
	object, err := p.Client.CoreV1().Secrets(p.Object.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional {
		return nil, nil
	}
	if err != nil {
		return nil, missing("secret", name, err)
	}
	return keyFiles("secret", object.Data, items, mode, optional)
}

// keyFiles selects files of a ConfigMap's or a Secret's data: all of it, or the items.
func keyFiles(noun string, data map[string][]byte, items []corev1.KeyToPath, mode *int32, optional bool) (map[string]volumeFile, error) {
	defaultMode := fs.FileMode(ptr.Deref(mode, 0o644))
	files := map[string]volumeFile{}
	if items == nil {
		for key, value := range data {
			files[key] = volumeFile{data: value, mode: defaultMode}
		}
	}
	for _, item := range items {
		value, ok := data[item.Key]
		if !ok && optional {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("references non-existent %s key: %s", noun, item.Key)
		}
		files[item.Path] = volumeFile{data: value, mode: fs.FileMode(ptr.Deref(item.Mode, int32(defaultMode)))}
	}
	return files, nil
}

// missing is a kubelet's way to say what it did not find; other errors stay as they are.
func missing(noun, name string, err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%s %q not found", noun, name)
	}
	return err
}
