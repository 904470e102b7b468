package inventory

import (
	"strings"

	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"
)

// Identity names an object so that no other has the same name: ConfigMap apps/web, HTTPRoute.gateway.networking.k8s.io apps/web.
func Identity(info *resource.Info) string {
	return Named(info.Mapping.GroupVersionKind.GroupKind(), info.Namespace, info.Name)
}

// Named is the [Identity] of the object of a kind. The namespace is empty for objects of the cluster.
func Named(kind schema.GroupKind, namespace, name string) string {
	return kind.String() + " " + strings.TrimPrefix(namespace+"/"+name, "/")
}

// Identities are those of objects, in order.
func Identities(objects kube.ResourceList) []string {
	var all []string
	for _, info := range objects {
		all = append(all, Identity(info))
	}
	return all
}
