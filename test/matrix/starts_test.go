package matrix

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
	"lockstep/test/world"
)

// Starting states.
const (
	nothing = "nothing"
	older   = "an older version"   // the same environment, with another image, other values and another key manager
	foreign = "what others have"   // a namespace, kinds and an image tag of the names that Lockstep uses
	halved  = "a half-removed one" // the older version, of which somebody removed parts by hand
)

func starts() []string { return []string{nothing, foreign, older, halved} }

// reach brings the world to a start, from wherever it is.
func reach(start string) func(testing.TB, *world.World) {
	switch start {
	case older, halved:
		return reachOlder
	case foreign:
		return reachForeign
	case besideAnother:
		return reachBeside
	}
	return reachNothing
}

// olderFile is what the older version has other than examples/quickstart.yaml: each release, the image and the Gateway differ.
func olderFile() map[string]any {
	return map[string]any{
		"image.platforms":            []any{"linux/amd64"},
		"identityServer.values":      map[string]any{"deployment": map[string]any{"terminationGracePeriodSeconds": int64(39)}},
		"apiManager.values":          map[string]any{"wso2": map[string]any{"deployment": map[string]any{"pod": map[string]any{"annotations": map[string]any{"older": "yes"}}}}},
		"gateway.values":             map[string]any{"deployment": map[string]any{"pod": map[string]any{"annotations": map[string]any{"older": "yes"}}}},
		"gateway.chart.version":      "v1.7.0", // WSO2's guide follows it
		"gateway.serviceType":        "ClusterIP",
		"keyManager.displayName":     "Older",
		"keyManager.roleCreation":    false,
		"verify.level":               "health",
		"certificates.extraDNSNames": []any{"older.lockstep.test"},
	}
}

// with is a file with more changes.
func with(file, more map[string]any) map[string]any {
	all := map[string]any{}
	for _, part := range []map[string]any{file, more} {
		for path, value := range part {
			all[path] = value
		}
	}
	return all
}

func reachOlder(t testing.TB, w *world.World) {
	t.Helper()
	leaveForeign(t, w)
	file := world.File(t, olderFile())
	if said := w.Lockstep(t, "deploy", "-f", file); said.Code != world.Done {
		reachNothing(t, w) // stores whose password somebody deleted, for example, no deployment mends
		w.Expect(t, world.Done, "deploy", "-f", file)
	}
	m, found := apiManager(t, w)
	if !found {
		t.Fatal("API Manager is not ready after its deployment")
	}
	const theirs = "theirs"
	for _, application := range m.applications(t) {
		if application == theirs {
			return
		}
	}
	if _, err := m.client.CreateApplication(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
}

func reachNothing(t testing.TB, w *world.World) {
	t.Helper()
	leaveForeign(t, w)
	w.Absent(t)
	forget(t, w)
}

// reachForeign is a cluster in which others were first: a namespace of that name with something in it, the kinds of the Gateway API
// without those of Envoy Gateway, and another image under the tag.
func reachForeign(t testing.TB, w *world.World) {
	t.Helper()
	reachNothing(t, w)
	puts(`{apiVersion: v1, kind: Namespace, metadata: {name: apim, labels: {team: theirs}}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: apim, labels: {foreign: "yes"}}, data: {a: b}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: theirs, namespace: apim}, stringData: {password: theirs-alone}}`)(t, w)
	for _, crd := range routingCRDs(t, w) {
		if _, err := resource(t, w, cluster.RefOf(crd)).Create(t.Context(), crd, metav1.CreateOptions{FieldManager: "somebody"}); err != nil {
			t.Fatal(err)
		}
	}
	if w.Sandbox() == nil {
		return // what a registry of somebody else has under the tag stays
	}
	image, err := remote.Image(reference(t, w, "wso2/wso2am:4.7.0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference(t, w, target), image); err != nil {
		t.Fatal(err)
	}
}

// ownsGatewayCRDs refuses another cluster that has CRDs of the Gateway API: the tests make and remove them, with all their objects.
func ownsGatewayCRDs(t testing.TB, w *world.World) {
	t.Helper()
	if w.Sandbox() != nil {
		return
	}
	for _, crd := range routingCRDs(t, w) {
		if _, found, err := w.Cluster.Get(t.Context(), cluster.RefOf(crd)); err != nil {
			t.Fatal(err)
		} else if found {
			t.Fatalf("CRD %s exists in the cluster of %s. The tests of test/matrix make and remove the CRDs of the Gateway API, with all their objects: choose another cluster.",
				crd.GetName(), w.Kubeconfig())
		}
	}
}

// leaveForeign removes what [reachForeign] made, as far as it is there.
func leaveForeign(t testing.TB, w *world.World) {
	t.Helper()
	crds, theirs := routingCRDs(t, w), false
	for _, crd := range crds {
		live, found, err := w.Cluster.Get(t.Context(), cluster.RefOf(crd))
		if err != nil {
			t.Fatal(err)
		}
		theirs = theirs || found && live.GetLabels()[cluster.ManagedByLabel] == ""
	}
	if !theirs {
		return
	}
	w.Lockstep(t, "teardown", "--purge", "-f", world.File(t, nil)) // of what a rollback may have left
	remove(t, w, object("Namespace", world.Namespace))
	for _, crd := range crds {
		remove(t, w, cluster.RefOf(crd))
	}
	forget(t, w)
}

const target = "wso2is-km:7.2.0"

// forget deletes everything in the repository that images are pushed to, if that is the sandbox's.
func forget(t testing.TB, w *world.World) {
	t.Helper()
	if w.Sandbox() == nil {
		return
	}
	for _, manifest := range w.Manifests(t) {
		if ref, err := name.NewDigest(w.Sandbox().Registry+"/"+manifest, name.Insecure); err == nil && ref.RepositoryStr() == "wso2is-km" {
			_ = remote.Delete(ref)
		}
	}
	_ = remote.Delete(reference(t, w, target)) // it went with its manifest
}

func reference(t testing.TB, w *world.World, image string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(w.Sandbox().Registry+"/"+image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
