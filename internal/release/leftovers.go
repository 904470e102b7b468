package release

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/resource"
)

// Annotations by which Helm knows whose an object is.
const (
	ownerName      = "meta.helm.sh/release-name"
	ownerNamespace = "meta.helm.sh/release-namespace"
)

// leftovers are what revisions hold that Helm does not reckon with. It goes from the revision that is deployed to the
// one it makes; what a failed or interrupted revision brought in between it neither removes nor takes back.
type leftovers struct {
	name, namespace string
	revisions       []kube.ResourceList // the oldest first
	former          Former              // what is not to go
	// absent objects are not to be made, and those instead take the place of the target's: see [State.Missing] and
	// [State.Behind].
	absent  []string
	instead kube.ResourceList
}

// leftovers reads the objects of revisions.
func (s *session) leftovers(name, namespace string, revisions []*helmrelease.Release) (leftovers, error) {
	l := leftovers{name: name, namespace: namespace}
	if s.waits != nil {
		l.former = s.waits.former
	}
	for _, revision := range revisions {
		objects, _, err := buildKnown([]byte(revision.Manifest), s.KubeClient.Build)
		if err != nil {
			return l, explained(fmt.Sprintf("reading the objects of revision %d of release %s", revision.Version, name), err)
		}
		l.revisions = append(l.revisions, objects)
	}
	return l, nil
}

// unsettled are the revisions since the one that is deployed, which is not among them; all, if none is.
func unsettled(history []*helmrelease.Release) []*helmrelease.Release {
	for i, revision := range slices.Backward(history) {
		if revision.Info.Status == helmrelease.StatusDeployed {
			return history[i+1:]
		}
	}
	return history
}

// deployedIn is the revision that is deployed; nil if none is.
func deployedIn(history []*helmrelease.Release) *helmrelease.Release {
	return newest(history[:len(history)-len(unsettled(history))])
}

// updater is the part of Helm's client that changes objects.
type updater interface {
	UpdateThreeWayMerge(original, target kube.ResourceList, force bool) (*kube.Result, error)
	Delete(kube.ResourceList) (*kube.Result, []error)
}

// update is Helm's update with the leftovers taken back: each object goes from every state that it may be in to the one
// it is to have, and what is not in target goes. Unlike with Helm an object that could not be removed is an error, and
// objects of custom kinds are merged three ways too: else one that is adopted would stay as it is.
func (l leftovers) update(client updater, original, target kube.ResourceList, force bool) (*kube.Result, error) {
	target = l.adjusted(target)
	for _, revision := range l.revisions {
		touched, err := copies(target, revision)
		if err != nil {
			return &kube.Result{}, err
		}
		if len(touched) == 0 {
			continue
		}
		if result, err := client.UpdateThreeWayMerge(revision.Intersect(touched), touched, force); err != nil {
			return result, err
		}
	}
	result, err := client.UpdateThreeWayMerge(original.Intersect(target), target, force)
	if err != nil {
		return result, err
	}
	return result, l.sweep(client.Delete, append(l.objects(), original...).Difference(target))
}

// adjusted is target as it really was.
func (l leftovers) adjusted(target kube.ResourceList) kube.ResourceList {
	wanted := target.Filter(func(info *resource.Info) bool { return !slices.Contains(l.absent, identity(info)) })
	return append(wanted.Difference(l.instead), l.instead...)
}

// copies are the objects of target that are in the revision and in the cluster.
func copies(target, revision kube.ResourceList) (kube.ResourceList, error) {
	var found kube.ResourceList
	for _, info := range target.Intersect(revision) {
		there, err := exists(info)
		if err != nil {
			return nil, err
		}
		if there {
			copied := *info
			copied.Object = info.Object.DeepCopyObject() // Helm puts the answer of the cluster there
			found = append(found, &copied)
		}
	}
	return found, nil
}

// objects are those of all revisions, each once.
func (l leftovers) objects() kube.ResourceList {
	var all kube.ResourceList
	for _, revision := range l.revisions {
		all = append(all, revision.Difference(all)...)
	}
	return all
}

// sweep deletes those of the objects that are there, carry the release's name, and are not to be kept.
func (l leftovers) sweep(remove func(kube.ResourceList) (*kube.Result, []error), objects kube.ResourceList) error {
	var left kube.ResourceList
	for _, info := range objects {
		live, err := l.owned(info)
		if err != nil {
			return err
		}
		if live != nil && live.GetDeletionTimestamp() == nil {
			left = append(left, info)
		}
	}
	if len(left) == 0 {
		return nil
	}
	if _, errs := remove(left); len(errs) > 0 {
		return fmt.Errorf("removing %s: %w", strings.Join(listed(left), ", "), errs[0])
	}
	return nil
}

// owned is the object in the cluster if it is the release's and goes with it, else nil.
func (l leftovers) owned(info *resource.Info) (metav1.Object, error) {
	if l.former.spares(info) {
		return nil, nil
	}
	live, err := resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	object, err := meta.Accessor(live)
	if err != nil || !l.owner(object) || object.GetAnnotations()[kube.ResourcePolicyAnno] == kube.KeepPolicy {
		return nil, err
	}
	return object, nil
}

func (l leftovers) owner(object metav1.Object) bool {
	annotations := object.GetAnnotations()
	return annotations[ownerName] == l.name && annotations[ownerNamespace] == l.namespace
}

// brand gives an object the release's name, as Helm does.
func (l leftovers) brand(info *resource.Info, err error) error {
	object, accessErr := meta.Accessor(info.Object)
	if err = errors.Join(err, accessErr); err != nil {
		return err
	}
	object.SetLabels(with(object.GetLabels(), map[string]string{"app.kubernetes.io/managed-by": "Helm"}))
	object.SetAnnotations(with(object.GetAnnotations(), map[string]string{ownerName: l.name, ownerNamespace: l.namespace}))
	return nil
}

func with(all, more map[string]string) map[string]string {
	merged := map[string]string{}
	maps.Copy(merged, all)
	maps.Copy(merged, more)
	return merged
}
