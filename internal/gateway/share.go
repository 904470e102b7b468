package gateway

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// OwnsClass says whether the GatewayClass is Lockstep's to apply and delete: it belongs to the cluster, and not to the environment that made
// it. live is the one in the cluster, nil if there is none. One of somebody else is used as it is if it names the same controller; otherwise
// it is a Conflict.
func OwnsClass(env config.Environment, live *unstructured.Unstructured) (bool, error) {
	if live == nil {
		return true, nil
	}
	if name := controllerName(live); name != env.Routing.ControllerName {
		return false, &failure.Error{Kind: failure.Conflict, Doing: "using GatewayClass " + live.GetName(),
			Cause: fmt.Errorf("it is there already, for another controller: %q instead of %q", name, env.Routing.ControllerName),
			Next:  "name another class in the cluster's file (gateway.gatewayClass), or that controller (gateway.controllerName)"}
	}
	return managed(live), nil
}

// Plan gives what to apply: [Objects], without the class if a class of somebody else is used.
func Plan(env config.Environment, liveClass *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	owns, err := OwnsClass(env, liveClass)
	if err != nil {
		return nil, err
	}
	objects := Objects(env)
	if !owns {
		return objects[1:], nil
	}
	return objects, nil
}

// Watched are the kinds by which somebody may use the gateway controller; give their objects, of all namespaces, to
// [InUse].
func Watched() []schema.GroupVersionKind {
	kinds := []schema.GroupVersionKind{
		schema.FromAPIVersionAndKind(gatewayAPI, "GatewayClass"),
		schema.FromAPIVersionAndKind(gatewayAPI, "Gateway"),
	}
	for _, kind := range []string{
		"Backend", "BackendTrafficPolicy", "ClientTrafficPolicy", "EnvoyExtensionPolicy", "EnvoyPatchPolicy", "EnvoyProxy",
		"HTTPRouteFilter", "SecurityPolicy",
	} {
		kinds = append(kinds, schema.FromAPIVersionAndKind(envoyAPI, kind))
	}
	return kinds
}

// InUse names what others have that needs the environment's gateway controller. While there is any, the controller's
// release, what its hooks left, and the CRDs must stay.
func InUse(env config.Environment, objects []*unstructured.Unstructured) []cluster.Ref {
	classes := map[string]bool{}
	for _, obj := range objects {
		if obj.GetKind() == "GatewayClass" && controllerName(obj) == env.Routing.ControllerName {
			classes[obj.GetName()] = true
		}
	}
	var users []cluster.Ref
	for _, obj := range objects {
		if foreign(env, obj, classes) {
			users = append(users, cluster.RefOf(obj))
		}
	}
	return users
}

// ClassInUse says whether a Gateway of somebody else is of the environment's class.
func ClassInUse(env config.Environment, objects []*unstructured.Unstructured) bool {
	return slices.ContainsFunc(objects, func(obj *unstructured.Unstructured) bool {
		class, _, _ := unstructured.NestedString(obj.Object, "spec", "gatewayClassName")
		return obj.GetKind() == "Gateway" && class == env.Routing.GatewayClass && !ours(env, obj)
	})
}

func foreign(env config.Environment, obj *unstructured.Unstructured, classes map[string]bool) bool {
	switch obj.GetKind() {
	case "GatewayClass":
		return classes[obj.GetName()] && !managed(obj)
	case "Gateway":
		class, _, _ := unstructured.NestedString(obj.Object, "spec", "gatewayClassName")
		return classes[class] && !ours(env, obj)
	}
	return obj.GetNamespace() != env.Namespace
}

// Accepted says whether a GatewayClass is accepted by its controller, and if not what is known of it.
func Accepted(class *unstructured.Unstructured) (accepted bool, why string) {
	conditions, _, _ := unstructured.NestedSlice(class.Object, "status", "conditions")
	for _, entry := range conditions {
		condition, _ := entry.(map[string]any)
		if condition["type"] != "Accepted" {
			continue
		}
		if condition["status"] == "True" {
			return true, ""
		}
		return false, fmt.Sprintf("%v: %v", condition["reason"], condition["message"])
	}
	return false, "not seen by any controller"
}

func managed(obj *unstructured.Unstructured) bool {
	return obj.GetLabels()[cluster.ManagedByLabel] == cluster.ManagedBy
}

func ours(env config.Environment, obj *unstructured.Unstructured) bool {
	return managed(obj) && obj.GetLabels()[cluster.EnvironmentLabel] == env.Name
}

func controllerName(class *unstructured.Unstructured) string {
	name, _, _ := unstructured.NestedString(class.Object, "spec", "controllerName")
	return name
}
