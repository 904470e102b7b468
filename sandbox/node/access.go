package node

import (
	"context"
	"fmt"
	"slices"
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

// access tells kwok, by its custom resources, how to reach a pod: where its logs are, where its ports are, where to run
// commands.
type access struct{ objects dynamic.Interface }

var (
	kwokGroup   = schema.GroupVersion{Group: "kwok.x-k8s.io", Version: "v1alpha1"}
	kwokKinds   = []string{"Logs", "Exec", "PortForward"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	fieldOwner  = metav1.ApplyOptions{FieldManager: "sandbox-node", Force: true}
)

func kwokResource(kind string) schema.GroupVersionResource {
	return kwokGroup.WithResource(strings.TrimSuffix(strings.ToLower(kind), "s") + "s")
}

// install defines the resource types, without the schemas: this package writes the only objects.
func (a *access) install(ctx context.Context) error {
	for _, kind := range kwokKinds {
		plural := kwokResource(kind).Resource
		definition := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": plural + "." + kwokGroup.Group},
			"spec": map[string]any{
				"group": kwokGroup.Group, "scope": "Namespaced",
				"names": map[string]any{"kind": kind, "listKind": kind + "List", "plural": plural, "singular": strings.ToLower(kind)},
				"versions": []any{map[string]any{
					"name": kwokGroup.Version, "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{
						"type": "object", "x-kubernetes-preserve-unknown-fields": true,
					}},
				}},
			},
		}}
		if _, err := a.objects.Resource(definitions).Apply(ctx, definition.GetName(), definition, fieldOwner); err != nil {
			return err
		}
	}
	return a.awaitTypes(ctx)
}

func (a *access) awaitTypes(ctx context.Context) error {
	for _, kind := range kwokKinds {
		err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			_, err := a.objects.Resource(kwokResource(kind)).List(ctx, metav1.ListOptions{Limit: 1})
			return err == nil, nil
		})
		if err != nil {
			return fmt.Errorf("waiting for %s to be served: %w", kwokResource(kind).GroupResource(), err)
		}
	}
	return nil
}

// grant describes the pod to kwok, with the ports that can be forwarded to it. What it makes belongs to the pod and is
// garbage collected with it.
func (a *access) grant(ctx context.Context, p *pod, ports []int32) error {
	var logs, execs, forwards []any
	for _, c := range slices.Concat(p.init, p.main) {
		logs = append(logs, map[string]any{
			"containers": []any{c.spec.Name}, "logsFile": c.logFile(), "previousLogsFile": c.previousLogFile(),
		})
		execs = append(execs, map[string]any{
			"containers": []any{c.spec.Name}, "local": map[string]any{"workDir": c.rootDir()},
		})
	}
	for _, port := range ports {
		forwards = append(forwards, map[string]any{
			"ports":  []any{int64(port)},
			"target": map[string]any{"address": p.loopback().String(), "port": int64(simulate.PortOnHost(uint16(port)))},
		})
	}
	specs := map[string]map[string]any{"Logs": {"logs": logs}, "Exec": {"execs": execs}, "PortForward": {"forwards": forwards}}
	for _, kind := range kwokKinds {
		object := &unstructured.Unstructured{Object: map[string]any{"spec": specs[kind]}}
		object.SetGroupVersionKind(kwokGroup.WithKind(kind))
		object.SetNamespace(p.object.Namespace)
		object.SetName(p.object.Name)
		object.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(p.object, corev1.SchemeGroupVersion.WithKind("Pod"))})
		if _, err := a.objects.Resource(kwokResource(kind)).Namespace(p.object.Namespace).Apply(ctx, p.object.Name, object, fieldOwner); err != nil {
			return fmt.Errorf("telling kwok of %s: %w", kind, err)
		}
	}
	return nil
}
