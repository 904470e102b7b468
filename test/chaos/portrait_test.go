package chaos

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func object(kind, name string, more map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": "apim"}}}
	for key, value := range more {
		if key == "labels" || key == "generateName" || key == "uid" {
			o.Object["metadata"].(map[string]any)[key] = value
			continue
		}
		o.Object[key] = value
	}
	return o
}

func portraitOf(objects ...*unstructured.Unstructured) Portrait {
	p := Portrait{}
	for _, o := range objects {
		p.add(o)
	}
	return p
}

func TestWhatIsDrawnByLotIsNotInAPortrait(t *testing.T) {
	made := func(lot string) Portrait {
		return portraitOf(
			object("Secret", "keys", map[string]any{"uid": lot, "data": map[string]any{"password": lot}}),
			object("ConfigMap", "ca", map[string]any{"data": map[string]any{"ca.crt": "-----BEGIN CERTIFICATE-----" + lot, "size": "1"}}),
			object("Service", "s", map[string]any{"spec": map[string]any{"clusterIP": lot, "type": "ClusterIP", "ports": []any{map[string]any{"port": int64(80), "nodePort": lot}}}}),
			object("Pod", "web-1-"+lot, map[string]any{"generateName": "web-" + lot + "-", "labels": map[string]any{"pod-template-hash": lot}}),
			object("ReplicaSet", "web-"+lot, nil),
		)
	}
	if diff := made("a").Differs(made("b")); diff != "" {
		t.Error(diff)
	}
}

func TestWhatMattersIsInAPortrait(t *testing.T) {
	release := func(version, status string) *unstructured.Unstructured {
		return object("Secret", "sh.helm.release.v1.is.v"+version, map[string]any{"labels": map[string]any{"owner": "helm", "name": "is", "version": version, "status": status}})
	}
	base := portraitOf(release("1", "deployed"), object("ConfigMap", "c", map[string]any{"data": map[string]any{"a": "1"}}))
	for name, other := range map[string]Portrait{
		"a revision more":       portraitOf(release("1", "superseded"), release("2", "deployed"), object("ConfigMap", "c", map[string]any{"data": map[string]any{"a": "1"}})),
		"a pending release":     portraitOf(release("1", "pending-install"), object("ConfigMap", "c", map[string]any{"data": map[string]any{"a": "1"}})),
		"another configuration": portraitOf(release("1", "deployed"), object("ConfigMap", "c", map[string]any{"data": map[string]any{"a": "2"}})),
		"a missing object":      portraitOf(release("1", "deployed")),
	} {
		if base.Differs(other) == "" {
			t.Errorf("%s is not seen", name)
		}
	}
}

func TestTheRegistryOnlyGrows(t *testing.T) {
	reference := Portrait{"ConfigMap": 1, registryPrefix + "tag a": "new", registryPrefix + "manifest a@2": "there"}
	before := Portrait{"Pod": 1, registryPrefix + "tag a": "old", registryPrefix + "tag b": "b"}
	deployed := Portrait{"ConfigMap": 1, registryPrefix + "tag a": "new", registryPrefix + "tag b": "b", registryPrefix + "manifest a@2": "there"}
	if diff := cmp.Diff(deployed, reference.pushedOver(before, true)); diff != "" {
		t.Error(diff)
	}
	removed := Portrait{"ConfigMap": 1, registryPrefix + "tag a": "old", registryPrefix + "tag b": "b"}
	if diff := cmp.Diff(removed, reference.pushedOver(before, false)); diff != "" {
		t.Error(diff)
	}
}
