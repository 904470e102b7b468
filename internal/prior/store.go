package prior

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"lockstep/internal/failure"
)

// Store keeps prior state in Secrets of a namespace, each marked with the run that keeps it.
type Store struct {
	Secrets typed.SecretInterface
	// Mark is the annotation that names the run.
	Mark string
}

// fieldManager is whose the fields are.
const fieldManager = "lockstep"

// Read gives the Secret of that name; nil if there is none. It is of the run if that has marked it: what an earlier run left behind, whose
// undo was given up, does not count.
func (s Store) Read(ctx context.Context, name, run string) (kept *corev1.Secret, ofRun bool, err error) {
	kept, err = s.Secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return kept, s.marked(kept) && kept.Annotations[s.Mark] == run, nil
}

// marked says whether a Secret is a run's.
func (s Store) marked(secret *corev1.Secret) bool {
	_, marked := secret.Annotations[s.Mark]
	return marked
}

// Keep writes a Secret for the run in place of what [Store.Read] gave, unless another attempt has done so since. What is not a run's is a
// [failure.Conflict].
func (s Store) Keep(ctx context.Context, run string, secret, inPlaceOf *corev1.Secret) (*corev1.Secret, error) {
	metav1.SetMetaDataAnnotation(&secret.ObjectMeta, s.Mark, run)
	if inPlaceOf == nil {
		return s.Secrets.Create(ctx, secret, metav1.CreateOptions{FieldManager: fieldManager})
	}
	if !s.marked(inPlaceOf) {
		e := failure.Final(failure.Conflict, "keeping prior state: Secret %s/%s is there already and is somebody else's", inPlaceOf.Namespace, inPlaceOf.Name)
		e.Next = "rename it"
		return nil, e
	}
	secret.ResourceVersion = inPlaceOf.ResourceVersion
	return s.Secrets.Update(ctx, secret, metav1.UpdateOptions{FieldManager: fieldManager})
}

// Forget removes a Secret in which a run kept something. One of that name that is not a run's stays.
func (s Store) Forget(ctx context.Context, name string) error {
	kept, err := s.Secrets.Get(ctx, name, metav1.GetOptions{})
	if err == nil && s.marked(kept) {
		err = s.Secrets.Delete(ctx, name, metav1.DeleteOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
