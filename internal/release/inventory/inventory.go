// Package inventory knows the objects of a release's revisions, and what there is of them in the cluster. Helm goes from the revision
// that is deployed to the one it makes; what a failed or interrupted revision brought in between, it neither removes nor takes back.
package inventory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/resource"
)

// Annotations by which Helm knows whose an object is.
const (
	NameAnnotation      = "meta.helm.sh/release-name"
	NamespaceAnnotation = "meta.helm.sh/release-namespace"
)

// Inventory is what an action on a release has to take into account beside what Helm gives it.
type Inventory struct {
	Release, Namespace string
	// Revisions are the objects of revisions, the oldest first.
	Revisions []kube.ResourceList
	// Spares says whether an object is not to be deleted. Nil: none is spared.
	Spares func(*resource.Info) bool
	// Absent objects are not to be made, and those in Instead take the place of the target's: a rollback makes no more of a
	// revision than there was.
	Absent  []string
	Instead kube.ResourceList
}

// Updater is the part of Helm's client that changes objects.
type Updater interface {
	UpdateThreeWayMerge(original, target kube.ResourceList, force bool) (*kube.Result, error)
	Delete(kube.ResourceList) (*kube.Result, []error)
}

// Update is Helm's update with what unfinished revisions left taken back: each object goes from every state that it may be in to the one
// it is to have, and what is not in target goes. Unlike with Helm an object that could not be removed is an error, and
// objects of custom kinds are merged three ways too: else one that is adopted would stay as it is.
func (i Inventory) Update(client Updater, original, target kube.ResourceList, force bool) (*kube.Result, error) {
	target = i.adjusted(target)
	for _, revision := range i.Revisions {
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
	return result, i.Prune(client.Delete, append(i.Objects(), original...).Difference(target))
}

// adjusted is target as it really was.
func (i Inventory) adjusted(target kube.ResourceList) kube.ResourceList {
	wanted := target.Filter(func(info *resource.Info) bool { return !slices.Contains(i.Absent, Identity(info)) })
	return append(wanted.Difference(i.Instead), i.Instead...)
}

// copies are the objects of target that are in the revision and in the cluster.
func copies(target, revision kube.ResourceList) (kube.ResourceList, error) {
	var found kube.ResourceList
	for _, info := range target.Intersect(revision) {
		there, err := Get(info)
		if err != nil {
			return nil, err
		}
		if there != nil {
			copied := *info
			copied.Object = info.Object.DeepCopyObject() // Helm puts the answer of the cluster there
			found = append(found, &copied)
		}
	}
	return found, nil
}

// Objects are those of all revisions, each once.
func (i Inventory) Objects() kube.ResourceList {
	var all kube.ResourceList
	for _, revision := range i.Revisions {
		all = append(all, revision.Difference(all)...)
	}
	return all
}

// Prune deletes those of the objects that are there, carry the release's name, and are not to be kept.
func (i Inventory) Prune(remove func(kube.ResourceList) (*kube.Result, []error), objects kube.ResourceList) error {
	var left kube.ResourceList
	for _, info := range objects {
		live, err := i.Owned(info)
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
		return fmt.Errorf("removing %s: %w", strings.Join(Identities(left), ", "), errs[0])
	}
	return nil
}

// Owned is the object in the cluster if it is the release's and goes with it, else nil.
func (i Inventory) Owned(info *resource.Info) (metav1.Object, error) {
	if i.Spares != nil && i.Spares(info) {
		return nil, nil
	}
	live, err := Get(info)
	if err != nil || live == nil {
		return nil, err
	}
	object, err := meta.Accessor(live)
	if err != nil || !i.Owns(object) || object.GetAnnotations()[kube.ResourcePolicyAnno] == kube.KeepPolicy {
		return nil, err
	}
	return object, nil
}

// Owns says whether an object carries the release's name.
func (i Inventory) Owns(object metav1.Object) bool {
	annotations := object.GetAnnotations()
	return annotations[NameAnnotation] == i.Release && annotations[NamespaceAnnotation] == i.Namespace
}

// Own gives an object the release's name, as Helm does.
func (i Inventory) Own(info *resource.Info, err error) error {
	object, accessErr := meta.Accessor(info.Object)
	if err = errors.Join(err, accessErr); err != nil {
		return err
	}
	object.SetLabels(with(object.GetLabels(), map[string]string{"app.kubernetes.io/managed-by": "Helm"}))
	object.SetAnnotations(with(object.GetAnnotations(), map[string]string{NameAnnotation: i.Release, NamespaceAnnotation: i.Namespace}))
	return nil
}

func with(all, more map[string]string) map[string]string {
	merged := map[string]string{}
	maps.Copy(merged, all)
	maps.Copy(merged, more)
	return merged
}
