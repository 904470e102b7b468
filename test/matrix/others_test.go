package matrix

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/cluster"
	"lockstep/test/world"
)

// foreignRelease is Helm's record of a release that somebody else made.
func foreignRelease(name string) string {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	fmt.Fprintf(writer, `{"name": %q, "namespace": %q, "version": 1, "manifest": "",
  "info": {"status": "deployed", "first_deployed": "2025-01-01T00:00:00Z", "last_deployed": "2025-01-01T00:00:00Z", "description": "Install complete"},
  "chart": {"metadata": {"name": "theirs", "version": "1.0.0", "apiVersion": "v2"}}}`, name, world.Namespace)
	_ = writer.Close() // into memory
	return fmt.Sprintf(`{apiVersion: v1, kind: Secret, type: helm.sh/release.v1, metadata: {name: sh.helm.release.v1.%s.v1, namespace: %s,
  labels: {owner: helm, name: %s, status: deployed, version: "1"}}, stringData: {release: %q}}`,
		name, world.Namespace, name, base64.StdEncoding.EncodeToString(packed.Bytes()))
}

func foreignService(name string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: %s, namespace: %s}, spec: {ports: [{port: 80}]}}`, name, world.Namespace)
}

// routingCRDs are the CRDs of the Gateway API as their own release brings them.
func routingCRDs(t testing.TB, w *world.World) (crds []*unstructured.Unstructured) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "bin", "charts", "gateway-helm-1.7", "crds", "gatewayapi-crds.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range strings.Split(string(text), "\n---\n") {
		if crd := parse(t, document); crd.GetKind() == "CustomResourceDefinition" {
			crds = append(crds, crd)
		}
	}
	return crds
}

// beingDeleted has the namespace be deleted, which something of somebody else in it holds up.
func beingDeleted(t testing.TB, w *world.World) func() {
	t.Helper()
	ref := object("ConfigMap", "held")
	puts(`{apiVersion: v1, kind: ConfigMap, metadata: {name: held, namespace: apim, finalizers: [theirs.example/held]}}`)(t, w)
	if err := w.Client(t).CoreV1().Namespaces().Delete(t.Context(), world.Namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	world.Eventually(t, "the namespace says what holds it up", func() bool {
		live, err := resource(t, w, object("Namespace", world.Namespace)).Get(t.Context(), world.Namespace, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		return len(conditions) > 4 && strings.Contains(fmt.Sprint(conditions), "theirs.example/held")
	})
	return func() {
		patches(ref, `{"metadata": {"finalizers": null}}`)(t, w)
		remove(t, w, object("Namespace", world.Namespace))
	}
}

// uninstalls is `helm uninstall`, by hand: the objects of the release's manifest go, then its records.
func uninstalls(release string) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		for _, ref := range made(t, w, release) {
			remove(t, w, ref)
		}
		return forgets(release)(t, w)
	}
}

// forgets loses Helm's records of a release: its objects belong to nothing that anybody knows of.
func forgets(release string) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		records, err := w.Client(t).CoreV1().Secrets(world.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm,name=" + release})
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records.Items {
			remove(t, w, object("Secret", record.Name))
		}
		return nil
	}
}

// made are the objects of a release, by Helm's annotation, which a Deployment hands on to what it owns.
func made(t testing.TB, w *world.World, release string) (refs []cluster.Ref) {
	t.Helper()
	for _, object := range w.Objects(t) {
		if object.GetAnnotations()["meta.helm.sh/release-name"] == release && len(object.GetOwnerReferences()) == 0 {
			refs = append(refs, cluster.RefOf(object))
		}
	}
	return refs
}

// untagged is an image that somebody deleted from the registry.
func untagged(t testing.TB, w *world.World) func() {
	t.Helper()
	if err := remote.Delete(reference(t, w, target)); err != nil {
		t.Fatal(err)
	}
	return nil
}

// olderFirst goes on from the older version.
func olderFirst(t testing.TB, w *world.World) func() {
	t.Helper()
	reachOlder(t, w)
	return nil
}

// foreignKeyManager is one that somebody registered, of another server.
func foreignKeyManager(t testing.TB, w *world.World) func() {
	t.Helper()
	m, found := apiManager(t, w)
	if !found {
		t.Fatal("API Manager is not ready")
	}
	ours, err := m.client.FindKeyManager(t.Context(), "WSO2IS7")
	if err != nil || ours == nil {
		t.Fatal(ours, err)
	}
	theirs := maps.Clone(ours.Again(m.password))
	theirs["name"], theirs["displayName"], theirs["issuer"] = "Theirs", "Theirs", "https://theirs.example"
	stored, err := m.client.CreateKeyManager(t.Context(), theirs)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if m, found := apiManager(t, w); found {
			_ = m.client.DeleteKeyManager(t.Context(), stored.ID()) // it may have gone with its pod
		}
	}
}

// withoutKeyManager is an API Manager of which somebody deleted the key manager.
func withoutKeyManager(t testing.TB, w *world.World) func() {
	t.Helper()
	m, found := apiManager(t, w)
	if !found {
		t.Fatal("API Manager is not ready")
	}
	ours, err := m.client.FindKeyManager(t.Context(), "WSO2IS7")
	if err != nil || ours == nil {
		t.Fatal(ours, err)
	}
	if err := m.client.DeleteKeyManager(t.Context(), ours.ID()); err != nil {
		t.Fatal(err)
	}
	return nil
}
