package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"

	"lockstep/internal/failure"
)

// Delete deletes those of the objects that are Lockstep's (see [Ref.Owner]) and waits, as long as ctx lasts, until they
// are gone. What is not there, or is somebody else's, is no error. A CustomResourceDefinition stays while an object of
// its kind exists, a Namespace while it holds what is somebody else's (see [Client.Occupants]).
func (c *Client) Delete(ctx context.Context, refs ...Ref) error {
	errs := c.deleteAll(ctx, refs)
	return failure.JoinTransient(slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, errInUse) })...)
}

// deleteAll starts all deletions before it waits for the first: objects may hold each other by finalizers. It gives
// one error, or nil, per object.
func (c *Client) deleteAll(ctx context.Context, refs []Ref) []error {
	errs, uids := make([]error, len(refs)), make([]types.UID, len(refs))
	for i, ref := range refs {
		uids[i], errs[i] = c.startDelete(ctx, ref)
	}
	for i, ref := range refs {
		if uids[i] != "" {
			errs[i] = c.waitGone(ctx, ref, uids[i])
		}
	}
	return errs
}

// startDelete gives the uid of the object whose end is to be waited for, "" if there is none.
func (c *Client) startDelete(ctx context.Context, ref Ref) (types.UID, error) {
	live, found, err := c.Get(ctx, ref)
	if err != nil || !found || !ref.owns(live) {
		return "", err
	}
	if used, err := c.inUse(ctx, ref, live); err != nil {
		return "", err
	} else if used {
		return "", errInUse
	}
	resource, err := c.Resource(ref.GVK(), ref.Namespace)
	if err == nil {
		uid, policy := live.GetUID(), metav1.DeletePropagationBackground
		err = resource.Delete(ctx, ref.Name, metav1.DeleteOptions{
			PropagationPolicy: &policy, Preconditions: &metav1.Preconditions{UID: &uid},
		})
	}
	switch {
	case absent(err), apierrors.IsConflict(err): // gone, or another object of that name already
		return "", nil
	case err != nil:
		return "", Classify("deleting "+ref.String(), err)
	}
	return live.GetUID(), nil
}

func (c *Client) waitGone(ctx context.Context, ref Ref, uid types.UID) error {
	resource, err := c.Resource(ref.GVK(), ref.Namespace)
	if err != nil {
		return ignoreAbsent(Classify("deleting "+ref.String(), err))
	}
	var last *unstructured.Unstructured
	err = wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		live, err := get(ctx, resource, ref.Name)
		if err != nil || live == nil || live.GetUID() != uid {
			return true, err
		}
		last = live
		return false, nil
	})
	if errors.Is(err, context.DeadlineExceeded) && last != nil {
		return stuck(ref, last)
	}
	return Classify("deleting "+ref.String(), err)
}

// get gives nil for an object that is not there.
func get(ctx context.Context, resource dynamic.ResourceInterface, name string) (*unstructured.Unstructured, error) {
	live, err := resource.Get(ctx, name, metav1.GetOptions{})
	if absent(err) {
		return nil, nil
	}
	return live, err
}

func stuck(ref Ref, live *unstructured.Unstructured) error {
	e := failure.Transient(failure.Unavailable, "its deletion has begun but does not end")
	e.Reason, e.Doing = "StuckDeleting", "deleting "+ref.String()
	e.Next = "look at what it waits for: kubectl describe " + strings.ToLower(ref.Kind) + " " + ref.Name
	if finalizers := live.GetFinalizers(); len(finalizers) > 0 {
		e.Cause = fmt.Errorf("finalizers hold it: %s", strings.Join(finalizers, ", "))
		e.Next = "start the controller that owns the finalizer again, or remove the finalizer by hand if that controller is gone"
	}
	return e
}

func ignoreAbsent(err error) error {
	if failure.Is(err, failure.NotFound) {
		return nil
	}
	return err
}
