package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/release/hook"
	"lockstep/internal/release/inventory"
	"lockstep/internal/release/snapshot"
)

// between is how often the cluster is asked while objects are waited for that no single watch covers.
const between = 500 * time.Millisecond

// kubeClient is Helm's client with waits that end when the caller's context does and that say what they wait for.
// Helm's own would go on until their timeout, and would report nothing but that.
type kubeClient struct {
	*kube.Client
	*waiter
}

// Build reads a manifest without validating it against the cluster's OpenAPI: the API server validates anyway, and
// Helm would also do so for hooks. While a release is removed, it leaves out what went with its kind.
func (c *kubeClient) Build(manifest io.Reader, _ bool) (kube.ResourceList, error) {
	return c.waiter.build(manifest, c.Client.Build)
}

// Update brings the objects of one revision to those of the next (see [inventory.Inventory]).
func (c *kubeClient) Update(original, target kube.ResourceList, force bool) (*kube.Result, error) {
	return c.waiter.inventory.Update(c.Client, original, target, force)
}

// DeleteWithPropagationPolicy deletes what a release made. Helm's own takes nothing to delete for an error.
func (c *kubeClient) DeleteWithPropagationPolicy(resources kube.ResourceList, policy metav1.DeletionPropagation) (*kube.Result, []error) {
	made := c.found.Made(resources)
	if len(made) == 0 {
		return &kube.Result{}, nil
	}
	return c.Client.DeleteWithPropagationPolicy(made, policy)
}

// WatchUntilReady waits for hooks: Jobs until they are complete.
func (c *kubeClient) WatchUntilReady(resources kube.ResourceList, timeout time.Duration) error {
	for _, info := range resources {
		if info.Mapping.GroupVersionKind.Kind != "Job" {
			if err := c.Client.WatchUntilReady(kube.ResourceList{info}, timeout); err != nil {
				return err
			}
			continue
		}
		if err := c.waiter.hooks.Wait(c.waiter.ctx, info.Namespace, info.Name, timeout); err != nil {
			return c.waiter.fail(err)
		}
	}
	return nil
}

// WaitForDelete waits until the objects are gone.
func (c *kubeClient) WaitForDelete(resources kube.ResourceList, timeout time.Duration) error {
	return c.gone(resources, timeout)
}

// waiter waits for what a release makes or removes. Helm's interface has no contexts, so it carries the caller's; it
// lives as long as one action.
type waiter struct {
	ctx      context.Context
	hooks    hook.Waiter
	progress func(string)
	// removing says that the release is being removed.
	removing bool
	// inventory is what an update has to take into account beside what Helm gives it.
	inventory inventory.Inventory
	// found is what there was before the run.
	found snapshot.Snapshot
	// failed is why a wait failed; Helm keeps no more than the text of it.
	failed error
}

func (w *waiter) build(manifest io.Reader, build func(io.Reader, bool) (kube.ResourceList, error)) (kube.ResourceList, error) {
	if !w.removing {
		return build(manifest, false)
	}
	data, err := io.ReadAll(manifest)
	if err != nil {
		return nil, err
	}
	known, gone, err := inventory.Known(data, build)
	if len(gone) > 0 {
		w.progress("gone with its CRD: " + strings.Join(gone, ", "))
	}
	return known, err
}

// gone waits until none of the objects exists any more.
func (w *waiter) gone(resources kube.ResourceList, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(w.ctx, timeout)
	defer cancel()
	said := ""
	for {
		left, err := inventory.Existing(resources)
		if err != nil || len(left) == 0 {
			return err
		}
		if text := "waiting until " + strings.Join(left, ", ") + " is gone"; text != said {
			w.progress(text)
			said = text
		}
		select {
		case <-ctx.Done():
			return w.fail(notGone(ctx.Err(), left, timeout))
		case <-time.After(between):
		}
	}
}

func notGone(err error, left []string, timeout time.Duration) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("waiting until objects are gone: %w", err)
	}
	return transient(NotGone, "look at its finalizers and at the pods it owns, then try again", "still there after %[2]s: %[1]s", strings.Join(left, ", "), timeout)
}

// fail remembers an error for [session.explain].
func (w *waiter) fail(err error) error {
	w.failed = err
	return err
}
