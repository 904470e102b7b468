package envoy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// desiredAnnotation holds the hash of what the controller last wrote.
const desiredAnnotation = "dev.lockstep.sandbox/desired"

// reconciler brings the cluster to what a world asks for.
type reconciler struct {
	client dynamic.Interface
	log    *slog.Logger
	now    func() time.Time
}

// reconcile does everything that can be done and returns what could not.
func (r reconciler) reconcile(ctx context.Context, w *world) error {
	return errors.Join(r.classes(ctx, w), r.infrastructure(ctx, w), r.statuses(ctx, w))
}

// classes gives GatewayClasses their status, and the finalizer while Gateways use them.
func (r reconciler) classes(ctx context.Context, w *world) error {
	var problems []error
	for _, class := range w.classes {
		if class.Spec.ControllerName != w.controller {
			continue
		}
		used := slices.ContainsFunc(w.managed(), func(g gateway) bool { return g.Spec.GatewayClassName == class.Name })
		held := slices.Contains(class.Finalizers, classFinalizer)
		if used != held && (held || class.DeletionTimestamp == nil) {
			problems = append(problems, r.finalizer(ctx, class, used))
		}
		status := w.classStatus(class, r.now())
		problems = append(problems, r.status(ctx, gatewayClasses, class.ObjectMeta, class.Status, status))
	}
	return errors.Join(problems...)
}

func (r reconciler) finalizer(ctx context.Context, class gatewayClass, hold bool) error {
	finalizers := slices.DeleteFunc(slices.Clone(class.Finalizers), func(f string) bool { return f == classFinalizer })
	if hold {
		finalizers = append(finalizers, classFinalizer)
	}
	change := map[string]any{"metadata": map[string]any{"finalizers": finalizers, "resourceVersion": class.ResourceVersion}}
	return r.patch(ctx, gatewayClasses, "", class.Name, change)
}

// infrastructure makes what Gateways need and removes what belongs to none.
func (r reconciler) infrastructure(ctx context.Context, w *world) error {
	var problems []error
	wanted := map[string]bool{}
	made := w.infra()
	for _, g := range w.managed() {
		wanted[infraName(g)] = true
		for _, object := range w.infrastructure(g) {
			problems = append(problems, r.ensure(ctx, made, object))
		}
	}
	for resource, existing := range made {
		for name := range existing {
			if wanted[name] {
				continue
			}
			r.log.Info("removing what a Gateway left", "resource", resource.Resource, "name", name)
			background := metav1.DeletePropagationBackground
			err := r.client.Resource(resource).Namespace(w.namespace).Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &background})
			if err != nil && !apierrors.IsNotFound(err) {
				problems = append(problems, fmt.Errorf("removing %s %s: %w", resource.Resource, name, err))
			}
		}
	}
	return errors.Join(problems...)
}

// infra is what the controller made, by resource and name, with its annotations.
type infra map[schema.GroupVersionResource]map[string]map[string]string

func (w *world) infra() infra {
	found := infra{}
	add := func(resource schema.GroupVersionResource, object metav1.ObjectMeta) {
		if object.Namespace != w.namespace || object.Labels[managedByLabel] != managedBy || object.Labels[owningNameLabel] == "" || object.DeletionTimestamp != nil {
			return
		}
		if found[resource] == nil {
			found[resource] = map[string]map[string]string{}
		}
		found[resource][object.Name] = object.Annotations
	}
	for _, object := range w.services {
		add(services, object.ObjectMeta)
	}
	for _, object := range w.deployments {
		add(deployments, object.ObjectMeta)
	}
	for _, object := range w.configMaps {
		add(configMaps, object.ObjectMeta)
	}
	for _, object := range w.accounts {
		add(serviceAccounts, object.ObjectMeta)
	}
	return found
}

// ensure creates the object, or changes it if it is not what was last written.
func (r reconciler) ensure(ctx context.Context, made infra, object *unstructured.Unstructured) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	hash := hex.EncodeToString(sum[:8])
	object.SetAnnotations(map[string]string{desiredAnnotation: hash})
	resource := resourceOf(object)
	annotations, exists := made[resource][object.GetName()]
	switch {
	case !exists:
		r.log.Info("creating", "resource", resource.Resource, "name", object.GetName())
		_, err = r.client.Resource(resource).Namespace(object.GetNamespace()).Create(ctx, object, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			err = nil // the watch is behind
		}
	case annotations[desiredAnnotation] != hash:
		r.log.Info("changing", "resource", resource.Resource, "name", object.GetName())
		return r.patch(ctx, resource, object.GetNamespace(), object.GetName(), object.Object)
	}
	if err != nil {
		return fmt.Errorf("creating %s %s: %w", resource.Resource, object.GetName(), err)
	}
	return nil
}

func resourceOf(object *unstructured.Unstructured) schema.GroupVersionResource {
	return map[string]schema.GroupVersionResource{
		"Service": services, "Deployment": deployments, "ConfigMap": configMaps, "ServiceAccount": serviceAccounts,
	}[object.GetKind()]
}

// statuses gives Gateways, routes and policies their status.
func (r reconciler) statuses(ctx context.Context, w *world) error {
	var problems []error
	for _, g := range w.managed() {
		problems = append(problems, r.status(ctx, gateways, g.ObjectMeta, g.Status, w.gatewayStatus(g, r.now())))
	}
	for _, route := range w.routes {
		problems = append(problems, r.status(ctx, httpRoutes, route.ObjectMeta, route.Status, w.routeStatus(route, r.now())))
	}
	for _, p := range w.tlsPolicies {
		problems = append(problems, r.status(ctx, tlsPolicies, p.ObjectMeta, p.Status, w.tlsPolicyStatus(p, r.now())))
	}
	for _, p := range w.trafficPolicies {
		problems = append(problems, r.status(ctx, trafficPolicies, p.ObjectMeta, p.Status, w.trafficPolicyStatus(p, r.now())))
	}
	return errors.Join(problems...)
}

// status writes a status that differs.
func (r reconciler) status(ctx context.Context, resource schema.GroupVersionResource, object metav1.ObjectMeta, old, wanted any) error {
	if equality.Semantic.DeepEqual(old, wanted) {
		return nil
	}
	return r.patch(ctx, resource, object.Namespace, object.Name, map[string]any{"status": wanted}, "status")
}

// patch merges change into an object; one that is gone is no error.
func (r reconciler) patch(ctx context.Context, resource schema.GroupVersionResource, namespace, name string, change any, subresources ...string) error {
	raw, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = r.client.Resource(resource).Namespace(namespace).Patch(ctx, name, types.MergePatchType, raw, metav1.PatchOptions{}, subresources...)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing %s %s: %w", resource.Resource, name, err)
	}
	return nil
}
