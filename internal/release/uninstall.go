package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/release/history"
	"lockstep/internal/release/inventory"
)

// Uninstall removes a release with its objects and its history, and waits until the objects are gone, their pods
// included. A release that is not there is a success; the history of one that somebody uninstalled stays. What the chart did not make stays, and so does what it marked
// helm.sh/resource-policy: keep, what its hooks made, and its CRDs.
func (e *Engine) Uninstall(ctx context.Context, namespace, name string, progress func(string)) error {
	progress = orNothing(progress)
	unlock, err := e.locks.acquire(ctx, namespace, name)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := e.open(ctx, namespace, progress)
	if err != nil {
		return err
	}
	revisions, err := s.history(name)
	if last := revisions.Last(); err != nil || last == nil || revisions.KeptByHand() {
		return err
	}
	return e.remove(ctx, s, revisions, progress)
}

// remove takes a release away in three steps that can each be repeated: delete its objects and record that, wait until
// they are gone, forget the release. Letting Helm forget it first would lose the list of what to wait for.
func (e *Engine) remove(ctx context.Context, s *session, revisions history.History, progress func(string)) error {
	s.removing(true)
	defer s.removing(false) // a reinstallation must not do without a kind
	last := revisions.Last()
	all, err := s.inventory(last.Name, last.Namespace, revisions.InCluster())
	if err != nil {
		return err
	}
	if last.Info.Status != helmrelease.StatusUninstalled {
		progress(fmt.Sprintf("uninstalling release %s: revision %d, %s", last.Name, last.Version, last.Info.Status))
		if err := e.delete(s, all, last); err != nil {
			return s.explain("uninstalling release "+last.Name, err)
		}
	}
	if err := e.awaitGone(s, all, last); err != nil {
		return s.explain("uninstalling release "+last.Name, err)
	}
	if err := ctx.Err(); err != nil {
		return explained("uninstalling release "+last.Name, err)
	}
	return s.forget(last.Name)
}

// removing lets objects be missing with their kind, whose CustomResourceDefinition somebody deleted.
func (s *session) removing(now bool) {
	if s.waits != nil {
		s.waits.removing = now
	}
}

// delete removes the objects, first those that Helm does not know.
func (e *Engine) delete(s *session, all inventory.Inventory, last *history.Revision) error {
	final, err := s.KubeClient.Build(strings.NewReader(last.Manifest), false)
	if err != nil {
		return err
	}
	if err := all.Prune(s.KubeClient.Delete, all.Objects().Difference(final)); err != nil {
		return err
	}
	u := action.NewUninstall(s.Configuration)
	u.KeepHistory = true
	// An owner deleted in the foreground stays until what it owns is gone: waiting for it waits for the pods too.
	u.DeletionPropagation = "foreground"
	u.Timeout = e.options.Timeout
	u.Description = "uninstall" + history.ByLockstep
	_, err = u.Run(last.Name)
	return err
}

func (e *Engine) awaitGone(s *session, all inventory.Inventory, last *history.Revision) error {
	final, err := s.KubeClient.Build(strings.NewReader(last.Manifest), false)
	if err != nil {
		return err
	}
	for _, info := range all.Objects().Difference(final) {
		left, err := all.Owned(info)
		if err != nil {
			return err
		}
		if left != nil {
			final = append(final, info)
		}
	}
	return s.waits.gone(s.waits.found.Made(withoutKept(final)), e.options.Timeout)
}

func withoutKept(resources kube.ResourceList) kube.ResourceList {
	var removed kube.ResourceList
	for _, info := range resources {
		object, isObject := info.Object.(*unstructured.Unstructured)
		if isObject && object.GetAnnotations()[kube.ResourcePolicyAnno] == kube.KeepPolicy {
			continue
		}
		removed = append(removed, info)
	}
	return removed
}

// forget deletes the release's history. The newest revision goes last: it tells the next attempt what is being done.
func (s *session) forget(name string) error {
	revisions, err := s.history(name)
	if err != nil {
		return err
	}
	for _, revision := range revisions {
		if _, err := s.Releases.Delete(name, revision.Version); err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
			return explained("deleting the record of release "+name, err)
		}
	}
	return nil
}
