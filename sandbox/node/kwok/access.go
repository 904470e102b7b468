package kwok

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"

	"lockstep/sandbox/simulate"
)

// Access tells kwok, by its custom resources, how to reach a pod: where its logs are, where its ports are, where to run
// commands.
type Access struct{ Objects dynamic.Interface }

// A Container says where the files of a pod's container are.
type Container struct{ Name, Root, Log, PreviousLog string }

var (
	group       = schema.GroupVersion{Group: "kwok.x-k8s.io", Version: "v1alpha1"}
	types       = []string{"Logs", "Exec", "PortForward"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	fieldOwner  = metav1.ApplyOptions{FieldManager: "sandbox-node", Force: true}
)

func resource(kind string) schema.GroupVersionResource {
	return group.WithResource(strings.TrimSuffix(strings.ToLower(kind), "s") + "s")
}

// Install defines the resource types, without the schemas: this package writes the only objects.
func (a *Access) Install(ctx context.Context) error {
	for _, kind := range types {
		plural := resource(kind).Resource
		definition := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": plural + "." + group.Group},
			"spec": map[string]any{
				"group": group.Group, "scope": "Namespaced",
				"names": map[string]any{"kind": kind, "listKind": kind + "List", "plural": plural, "singular": strings.ToLower(kind)},
				"versions": []any{map[string]any{
					"name": group.Version, "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{
						"type": "object", "x-kubernetes-preserve-unknown-fields": true,
					}},
				}},
			},
		}}
		if _, err := a.Objects.Resource(definitions).Apply(ctx, definition.GetName(), definition, fieldOwner); err != nil {
			return err
		}
	}
	return a.awaitTypes(ctx)
}

func (a *Access) awaitTypes(ctx context.Context) error {
	for _, kind := range types {
		err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			_, err := a.Objects.Resource(resource(kind)).List(ctx, metav1.ListOptions{Limit: 1})
			return err == nil, nil
		})
		if err != nil {
			return fmt.Errorf("waiting for %s to be served: %w", resource(kind).GroupResource(), err)
		}
	}
	return nil
}

// Grant describes to kwok a pod that listens on a loopback address, with the ports that can be forwarded to it. What it
// makes belongs to the pod and is garbage collected with it.
func (a *Access) Grant(ctx context.Context, pod *corev1.Pod, loopback netip.Addr, containers []Container, ports []int32) error {
	var logs, execs, forwards []any
	for _, c := range containers {
		logs = append(logs, map[string]any{
			"containers": []any{c.Name}, "logsFile": c.Log, "previousLogsFile": c.PreviousLog,
		})
		execs = append(execs, map[string]any{
			"containers": []any{c.Name}, "local": map[string]any{"workDir": c.Root},
		})
	}
	for _, port := range ports {
		forwards = append(forwards, map[string]any{
			"ports":  []any{int64(port)},
			"target": map[string]any{"address": loopback.String(), "port": int64(simulate.PortOnHost(uint16(port)))},
		})
	}
	specs := map[string]map[string]any{"Logs": {"logs": logs}, "Exec": {"execs": execs}, "PortForward": {"forwards": forwards}}
	for _, kind := range types {
		object := &unstructured.Unstructured{Object: map[string]any{"spec": specs[kind]}}
		object.SetGroupVersionKind(group.WithKind(kind))
		object.SetNamespace(pod.Namespace)
		object.SetName(pod.Name)
		object.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(pod, corev1.SchemeGroupVersion.WithKind("Pod"))})
		if _, err := a.Objects.Resource(resource(kind)).Namespace(pod.Namespace).Apply(ctx, pod.Name, object, fieldOwner); err != nil {
			return fmt.Errorf("telling kwok of %s: %w", kind, err)
		}
	}
	return nil
}
