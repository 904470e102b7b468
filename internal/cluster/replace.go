package cluster

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/failure"
	"lockstep/internal/prior"
)

// replacedBy names the run that replaced the data of a Secret, on the Secret and on the copy of what it was.
const replacedBy = "lockstep.dev/replaced-by"

// madeBy names the run that made a Secret which was not there.
const madeBy = "lockstep.dev/made-by"

// CopyOf is the name of the Secret that keeps what another one was.
func CopyOf(secret string) string { return secret + "-former" }

func (c *Client) copies(namespace string) prior.Store {
	return prior.Store{Secrets: c.kube.CoreV1().Secrets(namespace), Mark: replacedBy}
}

// ReplaceSecret gives a Secret other data and keeps what it was in [CopyOf] it, for [Client.PutBackSecret]. One that the run replaced
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
	case live.Annotations[replacedBy] == run, live.Annotations[madeBy] == run:
		return true, nil
	}
	data, err := renew(live.Data)
	if err != nil {
		return true, err
	}
	if err := c.keepSecret(ctx, live, run); err != nil {
		return true, Classify("keeping Secret "+namespace+"/"+name, err)
	}
	live.Data = data
	metav1.SetMetaDataAnnotation(&live.ObjectMeta, replacedBy, run)
	_, err = secrets.Update(ctx, live, metav1.UpdateOptions{FieldManager: FieldManager})
	return true, Classify(doing, err)
}

// MakeSecret makes a Secret that is not there, so that [Client.PutBackSecret] removes it again.
func (c *Client) MakeSecret(ctx context.Context, namespace, name, run string, typ corev1.SecretType, labels map[string]string, data map[string][]byte) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{madeBy: run}}, Type: typ, Data: data}
	_, err := c.kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{FieldManager: FieldManager})
	return Classify("making Secret "+namespace+"/"+name, err)
}

// DisownSecret makes a Secret somebody else's: Lockstep neither changes it nor removes it any more.
func (c *Client) DisownSecret(ctx context.Context, namespace, name string) error {
	secrets := c.kube.CoreV1().Secrets(namespace)
	live, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		delete(live.Labels, ManagedByLabel)
		delete(live.Labels, EnvironmentLabel)
		_, err = secrets.Update(ctx, live, metav1.UpdateOptions{FieldManager: FieldManager})
	}
	return Classify("taking Lockstep's labels off Secret "+namespace+"/"+name, err)
}

// MadeBy says whether the run made a Secret by [Client.MakeSecret].
func (c *Client) MadeBy(ctx context.Context, namespace, name, run string) (bool, error) {
	live, err := c.kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, Classify("reading Secret "+namespace+"/"+name, err)
	}
	return live.Annotations[madeBy] == run, nil
}

// keepSecret writes the copy of a Secret, over one of an attempt before, or of a run that nobody let end.
func (c *Client) keepSecret(ctx context.Context, live *corev1.Secret, run string) error {
	copies := c.copies(live.Namespace)
	before, _, err := copies.Read(ctx, CopyOf(live.Name), run)
	if err != nil {
		return err
	}
	_, err = copies.Keep(ctx, run, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: CopyOf(live.Name), Labels: live.Labels}, Type: live.Type, Data: live.Data}, before)
	return err
}

// PutBackSecret undoes what the run did to a Secret. One that it neither made nor replaced stays as it is.
func (c *Client) PutBackSecret(ctx context.Context, namespace, name, run string) error {
	secrets, doing := c.kube.CoreV1().Secrets(namespace), "putting back Secret "+namespace+"/"+name
	live, err := secrets.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil && live.Annotations[madeBy] == run:
		err = secrets.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &live.UID}})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return Classify("removing Secret "+namespace+"/"+name, err)
	case err != nil || live.Annotations[replacedBy] != run:
		return Classify(doing, err)
	}
	kept, ofRun, err := c.copies(namespace).Read(ctx, CopyOf(name), run)
	if err != nil {
		return Classify(doing, err)
	}
	if !ofRun {
		return &failure.Error{Kind: failure.NotFound, Doing: doing, Cause: errors.New("somebody removed the copy of its prior state, Secret " + CopyOf(name)),
			Next: "the new one works as well: run `lockstep deploy`"}
	}
	live.Data = kept.Data
	delete(live.Annotations, replacedBy)
	if _, err = secrets.Update(ctx, live, metav1.UpdateOptions{FieldManager: FieldManager}); err != nil {
		return Classify(doing, err)
	}
	return c.ForgetSecret(ctx, namespace, name)
}

// ForgetSecret removes the copy of what a Secret was. One of that name that is somebody else's stays.
func (c *Client) ForgetSecret(ctx context.Context, namespace, name string) error {
	return Classify("removing Secret "+namespace+"/"+CopyOf(name), c.copies(namespace).Forget(ctx, CopyOf(name)))
}
