package release

import (
	"reflect"
	"strings"

	"helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	cli "k8s.io/cli-runtime/pkg/resource"
)

// live says how far a revision's objects are in the cluster: not at all, or as the revision has them.
type live struct {
	missing, same kube.ResourceList
	deployments   Names // names of those that are there
}

func (s *session) liveOf(revision *helmrelease.Release) (found live, err error) {
	objects, err := s.KubeClient.Build(strings.NewReader(revision.Manifest), false)
	if err != nil {
		return found, explained("reading the objects of the release", err)
	}
	for _, info := range objects {
		object, err := cli.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
		switch {
		case apierrors.IsNotFound(err):
			found.missing = append(found.missing, info)
			continue
		case err != nil:
			return found, explained("looking for the objects of the release", err)
		case holds(content(object), content(info.Object)):
			found.same = append(found.same, info)
		}
		if info.Mapping.GroupVersionKind.Kind == "Deployment" {
			found.deployments = append(found.deployments, info.Name)
		}
	}
	return found, nil
}

func content(object runtime.Object) any {
	if u, ok := object.(*unstructured.Unstructured); ok {
		return u.Object
	}
	converted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil
	}
	return converted
}

// holds says whether have is what want asks for. The server adds to it, and writes quantities in its own way.
func holds(have, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		have, isMap := have.(map[string]any)
		for key, value := range want {
			if isMap = isMap && holds(have[key], value); !isMap {
				return false
			}
		}
		return true
	case []any:
		have, _ := have.([]any)
		for i := range want {
			if len(have) != len(want) || !holds(have[i], want[i]) {
				return false
			}
		}
		return true
	case nil:
		return true
	}
	return reflect.DeepEqual(have, want) || sameQuantity(have, want)
}

func sameQuantity(have, want any) bool {
	parse := func(v any) (resource.Quantity, bool) {
		text, isText := v.(string)
		if number, isNumber := v.(int64); isNumber {
			text, isText = resource.NewQuantity(number, resource.DecimalSI).String(), true
		}
		q, err := resource.ParseQuantity(text)
		return q, isText && err == nil
	}
	a, isQuantity := parse(have)
	b, both := parse(want)
	return isQuantity && both && a.Cmp(b) == 0
}

// identity names an object so that no other has the same name: ConfigMap apps/web, HTTPRoute.gateway.networking.k8s.io apps/web.
func identity(info *cli.Info) string {
	kind := info.Mapping.GroupVersionKind
	return named(kind.Kind, kind.Group, info.Namespace, info.Name)
}

func named(kind, group, namespace, name string) string {
	return schema.GroupKind{Group: group, Kind: kind}.String() + " " + strings.TrimPrefix(namespace+"/"+name, "/")
}

func listed(objects kube.ResourceList) Names {
	var all Names
	for _, info := range objects {
		all = append(all, identity(info))
	}
	return all
}
