// Package manifest reads and writes manifests, mends rendered Kubernetes objects in what a chart cannot express, and composes chart values. It is
// pure: objects in, objects out.
package manifest

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/failure"
)

// OfKind are the objects of one kind, in order.
func OfKind(objects []*unstructured.Unstructured, kind string) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetKind() == kind {
			found = append(found, object)
		}
	}
	return found
}

// AnnotatePods sets an annotation of a workload's pods. Changing it restarts them.
func AnnotatePods(workload *unstructured.Unstructured, key, value string) error {
	if err := unstructured.SetNestedField(workload.Object, value, "spec", "template", "metadata", "annotations", key); err != nil {
		return mending(workload, err)
	}
	return nil
}

// RestartAnnotation is the annotation of pods that says when a rebuild last restarted them.
const RestartAnnotation = "lockstep.dev/restarted-at"

// RestartedAt restarts a workload's pods whenever the moment is another one. An empty one changes nothing.
func RestartedAt(workload *unstructured.Unstructured, moment string) error {
	if moment == "" {
		return nil
	}
	return AnnotatePods(workload, RestartAnnotation, moment)
}

// PullWith lets a workload's pods pull their images with a Secret of their namespace. An empty name changes nothing.
func PullWith(workload *unstructured.Unstructured, secret string) error {
	path := []string{"spec", "template", "spec", "imagePullSecrets"}
	listed, _, err := unstructured.NestedSlice(workload.Object, path...)
	if err != nil {
		return mending(workload, err)
	}
	reference := any(map[string]any{"name": secret})
	if secret == "" || slices.ContainsFunc(listed, func(r any) bool { return name(r) == secret }) {
		return nil
	}
	if err := unstructured.SetNestedSlice(workload.Object, append(listed, reference), path...); err != nil {
		return mending(workload, err)
	}
	return nil
}

// Variable is an environment variable whose value is in a Secret of the pod's namespace.
type Variable struct{ Name, Secret, Key string }

// SetEnv gives the first container of a workload's pods environment variables from Secrets. A variable that the chart
// sets already stays as it is.
func SetEnv(workload *unstructured.Unstructured, variables ...Variable) error {
	return firstContainer(workload, func(container map[string]any) error {
		env, _, err := unstructured.NestedSlice(container, "env")
		if err != nil {
			return err
		}
		for _, v := range variables {
			if slices.ContainsFunc(env, func(e any) bool { return name(e) == v.Name }) {
				continue
			}
			env = append(env, map[string]any{"name": v.Name, "valueFrom": map[string]any{
				"secretKeyRef": map[string]any{"name": v.Secret, "key": v.Key}}})
		}
		return unstructured.SetNestedSlice(container, env, "env")
	})
}

// CheckMounts reports two volumes mounted at one path, which the API server refuses only once half of a release is there.
func CheckMounts(workload *unstructured.Unstructured) error {
	return firstContainer(workload, func(container map[string]any) error {
		mounts, _, err := unstructured.NestedSlice(container, "volumeMounts")
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, mount := range mounts {
			path, _, _ := unstructured.NestedString(mount.(map[string]any), "mountPath")
			if seen[path] {
				return failure.Final(failure.InvalidConfig, "two volumes are mounted at %s: give the stores distinct file names in the values", path)
			}
			seen[path] = true
		}
		return nil
	})
}

func firstContainer(workload *unstructured.Unstructured, change func(map[string]any) error) error {
	path := []string{"spec", "template", "spec", "containers"}
	containers, _, err := unstructured.NestedSlice(workload.Object, path...)
	if err != nil {
		return mending(workload, err)
	}
	if len(containers) == 0 {
		return mending(workload, failure.Final(failure.InvalidConfig, "it has no containers"))
	}
	container, isMap := containers[0].(map[string]any)
	if !isMap {
		return mending(workload, failure.Final(failure.InvalidConfig, "its container is no object"))
	}
	if err := change(container); err != nil {
		return mending(workload, err)
	}
	return unstructured.SetNestedSlice(workload.Object, containers, path...)
}

func name(element any) string {
	object, _ := element.(map[string]any)
	text, _ := object["name"].(string)
	return text
}

func mending(object *unstructured.Unstructured, err error) error {
	return failure.Final(failure.InvalidConfig, "mending %s %s: %w", object.GetKind(), object.GetName(), err)
}
