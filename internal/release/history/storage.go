package history

import (
	"context"
	"sync"

	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
)

// Storage is Helm's storage in the Secrets of a namespace.
func Storage(secrets typed.SecretInterface, log func(string, ...any)) *storage.Storage {
	kept := driver.NewSecrets(&unlessChanged{SecretInterface: secrets, seen: map[string]string{}})
	kept.Log = log
	all := storage.Init(kept)
	all.Log = log
	return all
}

// unlessChanged overwrites a Secret only as long as it is as it was last read here. Helm writes its records blindly: an attempt
// that was frozen and goes on would report over the one that took its place.
type unlessChanged struct {
	typed.SecretInterface
	mutex sync.Mutex
	seen  map[string]string // resource versions by name
}

func (u *unlessChanged) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.Secret, error) {
	secret, err := u.SecretInterface.Get(ctx, name, o)
	return secret, u.remember(err, secret)
}

func (u *unlessChanged) List(ctx context.Context, o metav1.ListOptions) (*corev1.SecretList, error) {
	list, err := u.SecretInterface.List(ctx, o)
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		_ = u.remember(nil, &list.Items[i])
	}
	return list, nil
}

func (u *unlessChanged) Create(ctx context.Context, secret *corev1.Secret, o metav1.CreateOptions) (*corev1.Secret, error) {
	created, err := u.SecretInterface.Create(ctx, secret, o)
	return created, u.remember(err, created)
}

func (u *unlessChanged) Update(ctx context.Context, secret *corev1.Secret, o metav1.UpdateOptions) (*corev1.Secret, error) {
	secret = secret.DeepCopy()
	u.mutex.Lock()
	secret.ResourceVersion = u.seen[secret.Name]
	u.mutex.Unlock()
	updated, err := u.SecretInterface.Update(ctx, secret, o)
	return updated, u.remember(err, updated)
}

func (u *unlessChanged) remember(err error, secret *corev1.Secret) error {
	if err == nil {
		u.mutex.Lock()
		defer u.mutex.Unlock()
		u.seen[secret.Name] = secret.ResourceVersion
	}
	return err
}
