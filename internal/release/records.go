package release

import (
	"context"
	"sync"

	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
)

// records is Helm's storage in the Secrets of a namespace.
func records(secrets typed.SecretInterface, log func(string, ...any)) *storage.Storage {
	kept := driver.NewSecrets(&fenced{SecretInterface: secrets, seen: map[string]string{}})
	kept.Log = log
	all := storage.Init(kept)
	all.Log = log
	return all
}

// fenced overwrites a Secret only as long as it is as it was last read here. Helm writes its records blindly: an attempt
// that was frozen and goes on would report over the one that took its place.
type fenced struct {
	typed.SecretInterface
	mutex sync.Mutex
	seen  map[string]string // resource versions by name
}

func (f *fenced) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.Secret, error) {
	secret, err := f.SecretInterface.Get(ctx, name, o)
	return secret, f.remember(err, secret)
}

func (f *fenced) List(ctx context.Context, o metav1.ListOptions) (*corev1.SecretList, error) {
	list, err := f.SecretInterface.List(ctx, o)
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		_ = f.remember(nil, &list.Items[i])
	}
	return list, nil
}

func (f *fenced) Create(ctx context.Context, secret *corev1.Secret, o metav1.CreateOptions) (*corev1.Secret, error) {
	created, err := f.SecretInterface.Create(ctx, secret, o)
	return created, f.remember(err, created)
}

func (f *fenced) Update(ctx context.Context, secret *corev1.Secret, o metav1.UpdateOptions) (*corev1.Secret, error) {
	secret = secret.DeepCopy()
	f.mutex.Lock()
	secret.ResourceVersion = f.seen[secret.Name]
	f.mutex.Unlock()
	updated, err := f.SecretInterface.Update(ctx, secret, o)
	return updated, f.remember(err, updated)
}

func (f *fenced) remember(err error, secret *corev1.Secret) error {
	if err == nil {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		f.seen[secret.Name] = secret.ResourceVersion
	}
	return err
}
