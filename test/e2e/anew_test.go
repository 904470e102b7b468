package e2e

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
	"lockstep/internal/identity"
	"lockstep/test/world"
)

// testDrift has somebody change an object, delete a route and replace what a console shows, and finds each.
func testDrift(t *testing.T, w *world.World) {
	w.Deployed(t)
	before := w.Snapshot(t)
	w.Expect(t, world.Done, "drift", "-f", world.File(t, nil)).Says(t, "is as its file says")
	if diff := before.Differs(w.Snapshot(t)); diff != "" {
		t.Errorf("the comparison changed something:\n%s", diff)
	}
	name := changeByHand(t, w)
	route := cluster.Ref{APIVersion: "gateway.networking.k8s.io/v1", Kind: "HTTPRoute", Namespace: world.Namespace, Name: name + "-httproute"}
	if err := w.Cluster.Delete(t.Context(), route); err != nil {
		t.Fatal(err)
	}
	file := world.File(t, map[string]any{"keyManager.displayName": "Another name"})
	said := w.Expect(t, world.Drifted, "drift", "-f", file)
	said.Says(t, "differs from its file", "routes: "+route.String()+" is missing", "Another name", "data.deployment.toml", "another from line 1 on", "`lockstep deploy` corrects it")
	t.Log(said.Out)
	w.Expect(t, world.Done, "deploy", "-f", world.File(t, nil)).Says(t, "puts back what somebody removed or changed by hand: ConfigMap "+world.Namespace+"/"+name)
	w.Expect(t, world.Done, "drift", "-f", world.File(t, nil)).Says(t, "is as its file says")
}

// changeByHand changes the configuration of Identity Server, and gives the name of its Service.
func changeByHand(t *testing.T, w *world.World) (service string) {
	t.Helper()
	service = identity.Fullname("is")
	maps := w.Client(t).CoreV1().ConfigMaps(world.Namespace)
	all, err := maps.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all.Items {
		if text := m.Data["deployment.toml"]; text != "" && strings.HasPrefix(m.Name, service) {
			m.Data["deployment.toml"] = "# by hand\n" + text
			if _, err := maps.Update(t.Context(), &m, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			return service
		}
	}
	t.Fatal("Identity Server has no configuration")
	return ""
}

// testRotate renews what is served, and keeps the CA and all other keys.
func testRotate(t *testing.T, w *world.World) {
	w.Deployed(t)
	before := secrets(t, w)
	w.Expect(t, world.Done, "rotate", "-f", world.File(t, nil)).Says(t, "renewed")
	for name, was := range before {
		kept := strings.HasPrefix(name, "lockstep-")
		if now := secrets(t, w)[name]; (now == was) != kept {
			t.Errorf("%s stayed: %v", name, now == was)
		}
	}
	for _, name := range []string{"apim-keystore-secret", "gateway-https-tls", "keymanager-https-tls", "is-keystores"} {
		if _, found, err := w.Cluster.Secret(t.Context(), world.Namespace, cluster.CopyOf(name)); err != nil || found {
			t.Errorf("a copy of %s is left: %v", name, err)
		}
	}
	w.Expect(t, world.Done, "drift", "-f", world.File(t, nil))
}

// testRebuild keeps what must last, and ends as it was.
func testRebuild(t *testing.T, w *world.World) {
	w.Deployed(t)
	before, tags := secrets(t, w), w.Tags(t)
	w.Expect(t, world.Done, "rebuild", "-f", world.File(t, nil)).Says(t, "Environment quickstart is deployed", "uninstalled")
	if diff := cmp.Diff(before, secrets(t, w)); diff != "" {
		t.Errorf("keys are others than before:\n%s", diff)
	}
	if diff := cmp.Diff(tags, w.Tags(t)); diff != "" {
		t.Error(diff)
	}
	w.EverythingIsThere(t)
	w.OnlyFirstRevisions(t)
	w.Expect(t, world.Done, "drift", "-f", world.File(t, nil))
}

// secrets are digests of what outlasts an environment.
func secrets(t *testing.T, w *world.World) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range []string{"apim-keystore-secret", "gateway-https-tls", "keymanager-https-tls", "is-keystores", "lockstep-ca", "lockstep-credentials"} {
		data, there, err := w.Cluster.Secret(t.Context(), world.Namespace, name)
		if err != nil || !there {
			t.Fatal(name, there, err)
		}
		for key, value := range data {
			found[name+"/"+key] = fmt.Sprintf("%x", sha256.Sum256(value))
		}
	}
	return found
}
