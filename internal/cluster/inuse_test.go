package cluster

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestANamespaceIsKeptByWhatIsNeitherLockstepsNorTheClusters(t *testing.T) {
	object := func(kind, name string, fields map[string]any) *unstructured.Unstructured {
		obj := &unstructured.Unstructured{Object: fields}
		if fields == nil {
			obj.Object = map[string]any{}
		}
		obj.SetKind(kind)
		obj.SetName(name)
		return obj
	}
	ours := object("Secret", "lockstep-credentials", nil)
	ours.SetLabels(Labels("dev"))
	going := object("Pod", "old", map[string]any{"metadata": map[string]any{"deletionTimestamp": "2026-01-01T00:00:00Z"}})
	for _, test := range []struct {
		object *unstructured.Unstructured
		keeps  bool
	}{
		{object("Pod", "theirs", nil), true},
		{object("PersistentVolumeClaim", "data", nil), true},
		{object("Secret", "theirs", map[string]any{"type": "Opaque"}), true},
		{object("Secret", "sh.helm.release.v1.theirs.v1", map[string]any{"type": "helm.sh/release.v1"}), true},
		{object("ConfigMap", "theirs", nil), true},
		{object("ConfigMap", "kube-root-ca.crt", nil), false},
		{object("Secret", "default-token", map[string]any{"type": "kubernetes.io/service-account-token"}), false},
		{ours, false},
		{going, false},
	} {
		if foreign(test.object) != test.keeps {
			t.Errorf("%s %s keeps its namespace: %v, want %v", test.object.GetKind(), test.object.GetName(), !test.keeps, test.keeps)
		}
	}
}
