package inventory

import (
	"reflect"

	"helm.sh/helm/v3/pkg/kube"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	cli "k8s.io/cli-runtime/pkg/resource"
)

// Live says how far objects are in the cluster: not at all, or as they are asked for.
type Live struct {
	Missing, Same kube.ResourceList
	Deployments   []string // names of those that are there
}

// Look compares objects with those in the cluster.
func Look(objects kube.ResourceList) (found Live, err error) {
	for _, info := range objects {
		object, err := Get(info)
		switch {
		case err != nil:
			return found, err
		case object == nil:
			found.Missing = append(found.Missing, info)
			continue
		case holds(Content(object), Content(info.Object)):
			found.Same = append(found.Same, info)
		}
		if info.Mapping.GroupVersionKind.Kind == "Deployment" {
			found.Deployments = append(found.Deployments, info.Name)
		}
	}
	return found, nil
}

// Get is the object in the cluster; nil if it is not there.
func Get(info *cli.Info) (runtime.Object, error) {
	object, err := cli.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return object, err
}

// Existing names those of the objects that are in the cluster.
func Existing(objects kube.ResourceList) (names []string, err error) {
	for _, info := range objects {
		object, err := Get(info)
		if err != nil {
			return nil, err
		}
		if object != nil {
			names = append(names, info.Mapping.GroupVersionKind.Kind+" "+info.Name)
		}
	}
	return names, nil
}

// Content is what an object holds.
func Content(object runtime.Object) any {
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
