package release

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"lockstep/internal/release/history"
)

// formers are the Secrets of a namespace in which runs keep what they found: one for each release and owner, since
// environments share releases. It holds what Secrets hold, so it is one.
type formers struct{ typed.SecretInterface }

const (
	runAnnotation = "lockstep.dev/run"
	formerKey     = "objects" // JSON, packed
)

// FormerName is the Secret beside Helm's records that holds what there was before a run, until that has ended or is undone.
func FormerName(release, owner string) string {
	return strings.TrimSuffix("lockstep.former."+release+"."+owner, ".") // a release may be nobody's
}

// read gives what this run kept. What an earlier one left behind, whose undo was given up, does not count.
func (f *formers) read(ctx context.Context, release, owner, run string) (Former, error) {
	secret, err := f.Get(ctx, FormerName(release, owner), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return Former{}, nil
	}
	if err != nil {
		return Former{}, explained("reading what there was of release "+release, err)
	}
	if secret.Annotations[runAnnotation] != run {
		return Former{version: secret.ResourceVersion}, nil
	}
	kept := Former{version: secret.ResourceVersion}
	unpacked, err := gzip.NewReader(bytes.NewReader(secret.Data[formerKey]))
	if err == nil {
		err = json.NewDecoder(unpacked).Decode(&kept.objects)
	}
	if err != nil {
		return Former{}, final(Failed, "delete that Secret, and undo by hand", "reading what there was of release %s from Secret %s: %w", release, secret.Name, err)
	}
	return kept, nil
}

// write keeps it, unless another attempt has done so since it was read.
func (f *formers) write(ctx context.Context, p prepared, former Former) (version string, err error) {
	data, err := json.Marshal(former.objects)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed) // writing to a buffer does not fail
	_, _ = w.Write(data)
	_ = w.Close()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: FormerName(p.Name, p.Owner), ResourceVersion: former.version,
			Labels:      map[string]string{"app.kubernetes.io/managed-by": "lockstep", history.OwnerLabel: p.Owner},
			Annotations: map[string]string{runAnnotation: p.Run},
		},
		Type: "lockstep.dev/former", Data: map[string][]byte{formerKey: packed.Bytes()},
	}
	write := func() (*corev1.Secret, error) { return f.Create(ctx, secret, metav1.CreateOptions{}) }
	if former.version != "" {
		write = func() (*corev1.Secret, error) { return f.Update(ctx, secret, metav1.UpdateOptions{}) }
	}
	written, err := write()
	if err != nil {
		return "", err
	}
	return written.ResourceVersion, nil
}

// Former reads what the run that is to be undone found before it changed anything.
func (e *Engine) Former(ctx context.Context, u Undo) (Former, error) {
	kept, err := e.formers(ctx, u.Namespace)
	if err != nil {
		return Former{}, err
	}
	return kept.read(ctx, u.Name, u.Owner, u.Run)
}

// Forget gives up what owner's runs kept for undoing what they did to a release: it is done, or not wanted any more.
func (e *Engine) Forget(ctx context.Context, namespace, name, owner string) error {
	kept, err := e.formers(ctx, namespace)
	if err != nil {
		return err
	}
	err = kept.Delete(ctx, FormerName(name, owner), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return explained("deleting what there was of release "+name, err)
}

func (e *Engine) formers(ctx context.Context, namespace string) (*formers, error) {
	config, err := leased{e.options.Getter(namespace), ctx}.ToRESTConfig()
	if err != nil {
		return nil, explained("connecting to the cluster", err)
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, explained("connecting to the cluster", err)
	}
	return &formers{clients.CoreV1().Secrets(namespace)}, nil
}
