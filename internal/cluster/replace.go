package cluster

import (
	"context"
	"errors"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/failure"
)

// replacedBy names the run that replaced the data of a Secret, on the Secret and on the copy of what it was.
const replacedBy = "lockstep.dev/replaced-by"

// FormerSecret is the name of the Secret that keeps what another one was.
func FormerSecret(name string) string { return name + "-former" }

// ReplaceSecret gives a Secret other data and keeps what it was in [FormerSecret], for [Client.PutBackSecret]. One that the run replaced
// already stays as it is; so does one that is not Lockstep's, and ours is false.
func (c *Client) ReplaceSecret(ctx context.Context, namespace, name, run string, renew func(map[string][]byte) (map[string][]byte, error)) (ours bool, err error) {
	secrets, doing := c.kube.CoreV1().Secrets(namespace), "replacing Secret "+namespace+"/"+name
	live, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return false, Classify(doing, err)
	}
	switch {
	case live.Labels[ManagedByLabel] != ManagedBy:
		return false, nil
	case live.Annotations[replacedBy] == run:
		return true, nil
	}
	data, err := renew(live.Data)
	if err != nil {
		return true, err
	}
	former := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: FormerSecret(name), Labels: live.Labels, Annotations: map[string]string{replacedBy: run}},
		Type: live.Type, Data: live.Data}
	_, err = secrets.Create(ctx, former, metav1.CreateOptions{FieldManager: FieldManager})
	if apierrors.IsAlreadyExists(err) { // of an attempt before, or of a run that nobody let end
		if there, getErr := secrets.Get(ctx, former.Name, metav1.GetOptions{}); getErr == nil && there.Annotations[replacedBy] == "" {
			return true, &failure.Error{Kind: failure.Conflict, Doing: "keeping Secret " + namespace + "/" + name, Cause: errors.New("Secret " + former.Name + " is there already and is somebody else's"),
				Next: "rename it"}
		}
		_, err = secrets.Update(ctx, former, metav1.UpdateOptions{FieldManager: FieldManager})
	}
	if err != nil {
		return true, Classify("keeping Secret "+namespace+"/"+name, err)
	}
	live.Data = data
	metav1.SetMetaDataAnnotation(&live.ObjectMeta, replacedBy, run)
	_, err = secrets.Update(ctx, live, metav1.UpdateOptions{FieldManager: FieldManager})
	return true, Classify(doing, err)
}

// PutBackSecret undoes what the run did to a Secret. One that it did not replace stays as it is.
func (c *Client) PutBackSecret(ctx context.Context, namespace, name, run string) error {
	secrets, doing := c.kube.CoreV1().Secrets(namespace), "putting back Secret "+namespace+"/"+name
	live, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || live.Annotations[replacedBy] != run {
		return Classify(doing, err)
	}
	former, err := secrets.Get(ctx, FormerSecret(name), metav1.GetOptions{})
	if err == nil && former.Annotations[replacedBy] != run {
		err = apierrors.NewNotFound(corev1.Resource("secrets"), FormerSecret(name))
	}
	if apierrors.IsNotFound(err) {
		return &failure.Error{Kind: failure.NotFound, Doing: doing, Cause: errors.New("somebody removed the copy of what it was, Secret " + FormerSecret(name)),
			Next: "the new one works as well: run `lockstep deploy`"}
	}
	if err != nil {
		return Classify(doing, err)
	}
	live.Data = former.Data
	live.Annotations = maps.Clone(live.Annotations)
	delete(live.Annotations, replacedBy)
	if _, err = secrets.Update(ctx, live, metav1.UpdateOptions{FieldManager: FieldManager}); err != nil {
		return Classify(doing, err)
	}
	return c.ForgetFormer(ctx, namespace, name)
}

// ForgetFormer removes the copy of what a Secret was. One of that name that is somebody else's stays.
func (c *Client) ForgetFormer(ctx context.Context, namespace, name string) error {
	secrets, doing := c.kube.CoreV1().Secrets(namespace), "removing Secret "+namespace+"/"+FormerSecret(name)
	former, err := secrets.Get(ctx, FormerSecret(name), metav1.GetOptions{})
	if err == nil && former.Annotations[replacedBy] != "" {
		err = secrets.Delete(ctx, former.Name, metav1.DeleteOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return Classify(doing, err)
}
