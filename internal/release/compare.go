package release

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/drift"
	"lockstep/internal/release/history"
	"lockstep/internal/release/inventory"
	"lockstep/internal/release/repair"
)

// Compare says in what a release, and the objects of its last revision, are not what spec says. It changes nothing.
func (e *Engine) Compare(ctx context.Context, spec Spec) ([]drift.Item, error) {
	s, err := e.open(ctx, spec.Namespace, orNothing(nil))
	if err != nil {
		return nil, err
	}
	p, err := e.prepare(ctx, s, spec)
	if err != nil {
		return nil, err
	}
	revisions, err := s.history(spec.Name)
	if err != nil {
		return nil, err
	}
	object := fmt.Sprintf("release %s/%s", spec.Namespace, spec.Name)
	last := revisions.Last()
	if last == nil || history.IsUninstalled(last) {
		return []drift.Item{{Object: object, Wants: "installed", Is: drift.Missing}}, nil
	}
	items, err := definition(revisions, p)
	if err != nil {
		return nil, err
	}
	for i := range items {
		if items[i].Object == "" {
			items[i].Object = object
		}
	}
	objects, err := s.changedObjects(last)
	return append(items, objects...), err
}

// definition compares what a revision was made from with what it would be made from now.
func definition(revisions history.History, p prepared) (items []drift.Item, err error) {
	last := revisions.Last()
	if status := last.Info.Status; status != helmrelease.StatusDeployed {
		items = append(items, drift.Item{Field: "status", Wants: helmrelease.StatusDeployed.String(), Is: status.String()})
	}
	if !revisions.MadeByLockstep(last) {
		items = append(items, drift.Item{Field: "revision", Wants: "one of Lockstep's", Is: fmt.Sprintf("%d, by somebody else", last.Version)})
	}
	if last.Labels[history.FingerprintLabel] == p.labels[history.FingerprintLabel] {
		return items, nil
	}
	if is, wants := chartIn(last), chartName(p.chart.Name(), p.chart.Metadata.Version, p.chart.Digest); is != wants {
		items = append(items, drift.Item{Field: "chart", Wants: wants, Is: is})
	}
	is, err := normal(last.Config)
	if err != nil {
		return nil, err
	}
	for _, item := range drift.Both(is, p.values) {
		item.Field = "values." + item.Field
		items = append(items, item)
	}
	if len(items) > 0 {
		return items, nil // the objects follow from these
	}
	if items, err = rendered(last.Manifest, p.manifest); err != nil || len(items) > 0 {
		return items, err
	}
	return []drift.Item{{Field: "definition", Wants: "as this Lockstep makes it", Is: fmt.Sprintf("as in revision %d", last.Version)}}, nil
}

func chartIn(last *history.Revision) string {
	return chartName(last.Chart.Metadata.Name, last.Chart.Metadata.Version, history.ChartDigest(last.Labels))
}

func chartName(name, version, digest string) string {
	return strings.TrimSpace(name + " " + version + " " + digest)
}

// rendered compares the objects of a revision with those that would be rendered now.
func rendered(is, wants string) (items []drift.Item, err error) {
	old, err := decoded(is)
	if err != nil {
		return nil, err
	}
	wanted, err := decoded(wants)
	if err != nil {
		return nil, err
	}
	before := map[string]*unstructured.Unstructured{}
	for _, object := range old {
		before[title(object)] = object
	}
	for _, object := range wanted {
		was := before[title(object)]
		delete(before, title(object))
		if was == nil {
			items = append(items, drift.Item{Object: title(object), Wants: drift.There, Is: "not of the release"})
			continue
		}
		items = append(items, of(object, drift.Both(shown(was), shown(object)))...)
	}
	for name := range before {
		items = append(items, drift.Item{Object: name, Wants: "not of the release", Is: drift.There})
	}
	return items, nil
}

// changedObjects are those of a revision that are missing, or that somebody has changed.
func (s *session) changedObjects(last *history.Revision) (items []drift.Item, err error) {
	s.removing(true) // with a kind its objects are missing
	defer s.removing(false)
	objects, err := s.KubeClient.Build(strings.NewReader(last.Manifest), false)
	if err != nil {
		return nil, explained("reading the objects of the release", err)
	}
	wanted, err := decoded(last.Manifest)
	if err != nil {
		return nil, err
	}
	served := map[string]bool{}
	for _, info := range objects {
		want := &unstructured.Unstructured{Object: inventory.Content(info.Object).(map[string]any)}
		want.SetNamespace(info.Namespace)
		served[want.GetKind()+" "+want.GetName()] = true
		object, err := inventory.Get(info)
		if err != nil {
			return nil, explained("looking for the objects of the release", err)
		}
		if object == nil {
			items = append(items, drift.Item{Object: title(want), Wants: drift.There, Is: drift.Missing})
			continue
		}
		have, isMap := inventory.Content(object).(map[string]any)
		if !isMap {
			continue
		}
		live := &unstructured.Unstructured{Object: have}
		if (scaled(want, wanted) || repair.Autoscaled(live)) && !repair.HasNoPods(live) {
			unstructured.RemoveNestedField(want.Object, "spec", "replicas")
		}
		items = append(items, repair.Judge(info, want, live, of(want, drift.Fields(shown(live), shown(want))))...)
	}
	for _, want := range wanted {
		if !served[want.GetKind()+" "+want.GetName()] {
			items = append(items, drift.Item{Object: title(want), Wants: drift.There, Is: "missing, and so is its CRD"})
		}
	}
	return items, nil
}

// scaled says whether an autoscaler of the release sets the object's replicas.
func scaled(object *unstructured.Unstructured, all []*unstructured.Unstructured) bool {
	for _, other := range all {
		kind, _, _ := unstructured.NestedString(other.Object, "spec", "scaleTargetRef", "kind")
		name, _, _ := unstructured.NestedString(other.Object, "spec", "scaleTargetRef", "name")
		if kind != "" && kind == object.GetKind() && name == object.GetName() {
			return true
		}
	}
	return false
}

// shown is an object, of a Secret's data only what tells values apart.
func shown(object *unstructured.Unstructured) map[string]any {
	if object.GetKind() != "Secret" {
		return object.Object
	}
	data := map[string]any{}
	plain, _, _ := unstructured.NestedStringMap(object.Object, "stringData")
	for key, value := range plain {
		data[key] = sealed(base64.StdEncoding.EncodeToString([]byte(value)))
	}
	encoded, _, _ := unstructured.NestedStringMap(object.Object, "data")
	for key, value := range encoded {
		data[key] = sealed(value)
	}
	copied := object.DeepCopy().Object
	delete(copied, "stringData")
	copied["data"] = data
	return copied
}

func of(object *unstructured.Unstructured, items []drift.Item) []drift.Item {
	for i := range items {
		items[i].Object = title(object)
		if object.GetKind() == "Secret" && strings.HasPrefix(items[i].Field, "data.") {
			items[i].Wants, items[i].Is = drift.Hidden, drift.Hidden
		}
	}
	return items
}

// title is the name a person reads, as "Gateway apim/wso2-apim-gateway".
func title(object *unstructured.Unstructured) string {
	name := object.GetName()
	if object.GetNamespace() != "" {
		name = object.GetNamespace() + "/" + name
	}
	return object.GetKind() + " " + name
}

// sealed tells values apart.
func sealed(value string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(value))) }
