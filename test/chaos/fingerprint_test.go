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

func fingerprintOf(objects ...*unstructured.Unstructured) Fingerprint {
	p := Fingerprint{}
	for _, o := range objects {
		p.add(o)
	}
	return p
}

func TestWhatIsDrawnByLotIsNotInAFingerprint(t *testing.T) {
	made := func(lot string) Fingerprint {
		return fingerprintOf(
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

func TestWhatMattersIsInAFingerprint(t *testing.T) {
	release := func(version, status string) *unstructured.Unstructured {
		return object("Secret", "sh.helm.release.v1.is.v"+version, map[string]any{"labels": map[string]any{"owner": "helm", "name": "is", "version": version, "status": status}})
	}
	base := fingerprintOf(release("1", "deployed"), object("ConfigMap", "c", map[string]any{"data": map[string]any{"a": "1"}}))
	for name, other := range map[string]Fingerprint{
		"a revision more":       fingerprintOf(release("1", "superseded"), release("2", "deployed"), object("ConfigMap", "c", map[string]any{"data": map[string]any{"a": "1"}})),
		"a pending release":     fingerprintOf(release("1", "pending-install"), object("ConfigMap", "c", map[string]any{"data": map[string]any{"a": "1"}})),
		"another configuration": fingerprintOf(release("1", "deployed"), object("ConfigMap", "c", map[string]any{"data": map[string]any{"a": "2"}})),
		"a missing object":      fingerprintOf(release("1", "deployed")),
	} {
		if base.Differs(other) == "" {
			t.Errorf("%s is not seen", name)
		}
	}
}

func TestTheRegistryOnlyGrows(t *testing.T) {
	reference := Fingerprint{"ConfigMap": 1, registryPrefix + "tag a": "new", registryPrefix + "manifest a@2": "there"}
	before := Fingerprint{"Pod": 1, registryPrefix + "tag a": "old", registryPrefix + "tag b": "b"}
	deployed := Fingerprint{"ConfigMap": 1, registryPrefix + "tag a": "new", registryPrefix + "tag b": "b", registryPrefix + "manifest a@2": "there"}
	if diff := cmp.Diff(deployed, reference.pushedOver(before, true)); diff != "" {
		t.Error(diff)
	}
	removed := Fingerprint{"ConfigMap": 1, registryPrefix + "tag a": "old", registryPrefix + "tag b": "b"}
	if diff := cmp.Diff(removed, reference.pushedOver(before, false)); diff != "" {
		t.Error(diff)
	}
}
