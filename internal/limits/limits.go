// Package limits holds what charts make of an environment's values to what its cluster allows: the fields of the file are not the only place where
// an image or a namespace can be named.
package limits

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/internal/failure"
)

// podSpecs are where the kinds that make pods have their specification.
var podSpecs = map[string][]string{
	"Pod": {"spec"}, "Deployment": {"spec", "template", "spec"}, "StatefulSet": {"spec", "template", "spec"}, "DaemonSet": {"spec", "template", "spec"},
	"ReplicaSet": {"spec", "template", "spec"}, "ReplicationController": {"spec", "template", "spec"}, "Job": {"spec", "template", "spec"},
	"CronJob": {"spec", "jobTemplate", "spec", "template", "spec"},
}

// Objects refuses objects of a release in namespaces, or with images, that the cluster does not allow. What a cluster's own chart makes is
// the cluster's.
func Objects(c clusters.Cluster, chart config.Chart, namespace string, objects []*unstructured.Unstructured) error {
	if c.Owns(chart) {
		return nil
	}
	var refused []string
	for _, object := range single(objects) {
		name := object.GetKind() + " " + object.GetName()
		switch in := object.GetNamespace(); {
		case in == "" || in == namespace:
		case !c.Allow.Namespace(in):
			refused = append(refused, fmt.Sprintf("%s is in namespace %q, which is none of allow.namespaces (%s)", name, in, strings.Join(c.Allow.Namespaces, ", ")))
		case c.Allow.KeepsAuthorities(in):
			refused = append(refused, fmt.Sprintf("%s is in namespace %q, which is for keys of CAs (allow.caNamespaces)", name, in))
		}
		for _, image := range images(object) {
			if !c.Allow.Image(image) {
				refused = append(refused, fmt.Sprintf("%s has image %q, which is from none of allow.imageRegistries (%s)", name, image, strings.Join(c.Allow.ImageRegistries, ", ")))
			}
		}
	}
	if len(refused) == 0 {
		return nil
	}
	const most = 5
	if more := len(refused) - most; more > 0 {
		refused = append(refused[:most], fmt.Sprintf("and %d more", more))
	}
	return &failure.Error{Kind: failure.InvalidConfig, Reason: "NotAllowed", Cause: fmt.Errorf("cluster %q does not allow what the chart makes: %s", c.Name, strings.Join(refused, "; ")),
		Next: "correct the chart's values, or let whoever runs the worker add it to " + c.Where()}
}

// single are the objects with those of lists in place of the lists: Helm makes them so.
func single(objects []*unstructured.Unstructured) (all []*unstructured.Unstructured) {
	for _, object := range objects {
		if !object.IsList() {
			all = append(all, object)
			continue
		}
		items, _, _ := unstructured.NestedSlice(object.Object, "items")
		for _, item := range items {
			if fields, isMap := item.(map[string]any); isMap {
				all = append(all, single([]*unstructured.Unstructured{{Object: fields}})...)
			}
		}
	}
	return all
}

// images are those of all containers that an object makes.
func images(object *unstructured.Unstructured) (found []string) {
	at, known := podSpecs[object.GetKind()]
	if !known {
		return nil
	}
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		containers, _, _ := unstructured.NestedSlice(object.Object, append(slices.Clone(at), list)...)
		for _, container := range containers {
			fields, _ := container.(map[string]any)
			if image, _ := fields["image"].(string); image != "" {
				found = append(found, image)
			}
		}
	}
	volumes, _, _ := unstructured.NestedSlice(object.Object, append(slices.Clone(at), "volumes")...)
	for _, volume := range volumes {
		fields, _ := volume.(map[string]any)
		if image, _, _ := unstructured.NestedString(fields, "image", "reference"); image != "" {
			found = append(found, image)
		}
	}
	return found
}
