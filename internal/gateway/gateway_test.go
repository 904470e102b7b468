package gateway

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

var update = flag.Bool("update", false, "write the golden files")

func environment() config.Environment {
	env := config.Environment{Name: "dev", Hostnames: config.Hostnames{
		Management: "am.example.test", Gateway: "gw.example.test", WebSocket: "ws.example.test",
		WebSub: "websub.example.test", KeyManager: "km.example.test",
	}}
	env.Default()
	return env
}

func TestObjectsAreAsTheGoldenFilesShow(t *testing.T) {
	nodePort := environment()
	nodePort.Routing.ServiceType = "NodePort"
	clusterIP := environment()
	clusterIP.Routing.ServiceType = "ClusterIP"
	annotated := environment()
	annotated.Routing.ServiceAnnotations = map[string]string{"example.com/internal": "true"}
	several := environment()
	several.IdentityServer.Replicas = 2
	for name, objects := range map[string][]*unstructured.Unstructured{
		"loadbalancer.yaml":             Objects(environment()),
		"nodeport.yaml":                 Objects(nodePort),
		"clusterip.yaml":                Objects(clusterIP),
		"annotated.yaml":                Objects(annotated),
		"identity-server-routes.yaml":   IdentityServerRoutes(environment(), "is-identity-server", "wso2-ca-cert"),
		"identity-server-replicas.yaml": IdentityServerRoutes(several, "is-identity-server", "wso2-ca-cert"),
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, objects)
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("differs from %s (-want +got); run with -update if it should:\n%s", path, diff)
			}
		})
	}
}

func render(t *testing.T, objects []*unstructured.Unstructured) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, obj := range objects {
		text, err := yaml.Marshal(obj.Object)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes()
}

func TestOnlyEnvoyKeepsABrowserWithOneReplicaAndTeardownForgetsNothing(t *testing.T) {
	no := false
	env := environment()
	env.IdentityServer.Replicas = 2
	env.Routing.Install, env.Routing.ControllerName = &no, "example.com/other"
	if objects := IdentityServerRoutes(env, "is", "ca"); len(objects) != 2 {
		t.Errorf("another controller gets %d objects", len(objects))
	}
	env.IdentityServer.Replicas = 1
	var kinds []string
	for _, ref := range IdentityServerRefs(env, "is") {
		kinds = append(kinds, ref.Kind)
	}
	if diff := cmp.Diff([]string{"HTTPRoute", "BackendTLSPolicy", "BackendTrafficPolicy"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestAUsersValuesWinOverLockstepsOwn(t *testing.T) {
	env := environment()
	env.Routing.Values = map[string]any{
		"deployment": map[string]any{"replicas": int64(2)},
		"config":     map[string]any{"envoyGateway": map[string]any{"logging": map[string]any{"level": map[string]any{"default": "debug"}}}},
	}
	want := map[string]any{
		"deployment": map[string]any{"replicas": int64(2)},
		"config": map[string]any{"envoyGateway": map[string]any{
			"gateway": map[string]any{"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
			"logging": map[string]any{"level": map[string]any{"default": "debug"}},
		}},
	}
	if diff := cmp.Diff(want, Values(env)); diff != "" {
		t.Error(diff)
	}
}

func TestTheHookIsNamedAsTheChartNamesIt(t *testing.T) {
	for _, test := range []struct {
		release, want string
		values        map[string]any
	}{
		{release: "envoy-gateway", want: "envoy-gateway-gateway-helm-certgen"},
		{release: "my-gateway-helm", want: "my-gateway-helm-certgen"},
		{release: "eg", values: map[string]any{"fullnameOverride": "edge"}, want: "edge-certgen"},
		{release: "eg", values: map[string]any{"nameOverride": "gw"}, want: "eg-gw-certgen"},
		{release: strings.Repeat("a", 62), want: strings.Repeat("a", 62) + "-certgen"},
	} {
		env := environment()
		env.Routing.Release, env.Routing.Values = test.release, test.values
		if got := Hook(env); got != test.want {
			t.Errorf("release %s: got %s, want %s", test.release, got, test.want)
		}
	}
}

func TestEveryLeftoverSaysHowItIsKnownToBeTheCharts(t *testing.T) {
	for _, ref := range HookObjects(environment()) {
		if _, err := labels.Parse(ref.Owner); ref.Owner == "" || err != nil {
			t.Errorf("%s: owner %q: %v", ref, ref.Owner, err)
		}
	}
}

func TestAClassOfSomebodyElseIsUsedButNotTakenOver(t *testing.T) {
	env := environment()
	other := environment()
	other.Name = "prod"
	mine, earlier, unlabelled, wrong := Objects(env)[0], Objects(other)[0].DeepCopy(), Objects(other)[0].DeepCopy(), Objects(other)[0].DeepCopy()
	earlier.SetLabels(cluster.Labels(other.Name))
	unlabelled.SetLabels(nil)
	wrong.Object["spec"] = map[string]any{"controllerName": "example.com/other"}
	for _, test := range []struct {
		name     string
		live     *unstructured.Unstructured
		owns     bool
		conflict bool
	}{
		{name: "none", owns: true},
		{name: "the cluster's", live: mine, owns: true},
		{name: "another environment's by an earlier version", live: earlier, owns: true},
		{name: "nobody's", live: unlabelled},
		{name: "another controller's", live: wrong, conflict: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			owns, err := OwnsClass(env, test.live)
			if owns != test.owns || failure.Is(err, failure.Conflict) != test.conflict {
				t.Errorf("owns %v, error %v", owns, err)
			}
			objects, _ := Plan(env, test.live)
			if len(objects) > 0 && (objects[0].GetKind() == "GatewayClass") != test.owns {
				t.Errorf("plan begins with %s", objects[0].GetKind())
			}
		})
	}
}

func TestTheControllerIsInUseByWhatOthersHave(t *testing.T) {
	env := environment()
	class, own := Objects(env)[0], Objects(env)[1]
	foreignGateway := own.DeepCopy()
	foreignGateway.SetLabels(nil)
	foreignGateway.SetNamespace("shop")
	elsewhere := foreignGateway.DeepCopy()
	elsewhere.Object["spec"] = map[string]any{"gatewayClassName": "nginx"}
	foreignClass := class.DeepCopy()
	foreignClass.SetName("edge")
	foreignClass.SetLabels(nil)
	policy := func(namespace string) *unstructured.Unstructured {
		obj := object(env, envoyAPI, "BackendTrafficPolicy", "sticky", namespace, map[string]any{})
		obj.SetLabels(nil)
		return obj
	}
	for _, test := range []struct {
		name    string
		objects []*unstructured.Unstructured
		want    []string
	}{
		{"only the environment's own", []*unstructured.Unstructured{class, own, policy(env.Namespace)}, nil},
		{"a Gateway elsewhere of the same class", []*unstructured.Unstructured{class, own, foreignGateway}, []string{"Gateway shop/wso2-apim-gateway"}},
		{"a Gateway of another controller's class", []*unstructured.Unstructured{class, own, elsewhere}, nil},
		{"another class of the same controller", []*unstructured.Unstructured{class, foreignClass}, []string{"GatewayClass edge"}},
		{"a policy in another namespace", []*unstructured.Unstructured{class, policy("shop")}, []string{"BackendTrafficPolicy shop/sticky"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, ref := range InUse(env, test.objects) {
				got = append(got, ref.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAClassIsInUseByGatewaysOfOthers(t *testing.T) {
	env := environment()
	other := environment()
	other.Name, other.Namespace = "prod", "prod"
	class, own, theirs := Objects(env)[0], Objects(env)[1], Objects(other)[1]
	if ClassInUse(env, []*unstructured.Unstructured{class, own}) {
		t.Error("its own Gateway counts")
	}
	if !ClassInUse(env, []*unstructured.Unstructured{class, own, theirs}) {
		t.Error("that of another environment does not count")
	}
}

func TestUnservedKindsTellAnOldGatewayAPIFromNone(t *testing.T) {
	env := environment()
	if err := Unserved(env, nil, nil); err != nil {
		t.Errorf("nothing is missing, but: %v", err)
	}
	if err := Unserved(env, Needs(env), nil); err == nil || !strings.Contains(err.Error(), "gateway.crds: create)") {
		t.Errorf("without any Gateway API: %v", err)
	}
	err := Unserved(env, Needs(env)[3:4], nil)
	if err == nil || !strings.Contains(err.Error(), "BackendTLSPolicy of gateway.networking.k8s.io/v1") || !strings.Contains(err.Error(), "create-replace") {
		t.Errorf("with an old Gateway API: %v", err)
	}
}

func TestTheNextMoveForMissingKindsFitsTheCluster(t *testing.T) {
	env := environment()
	envoys := Needs(env)[4:5]
	skips := environment()
	skips.Routing.CRDs = config.CRDsSkip
	leaves, uses := environment(), environment()
	leaves.Routing.CRDs, leaves.Routing.Values = config.CRDsSkip, config.Values{"crds": map[string]any{"enabled": false}}
	uses.Routing.Install = new(bool)
	for _, test := range []struct {
		name    string
		env     config.Environment
		missing []schema.GroupVersionKind
		denied  []string
		want    string
	}{
		{"Gateway API is there, Envoy Gateway's kinds are not, and CRDs are skipped", skips, envoys, nil, "let Lockstep install them (gateway.crds: create)"},
		{"Envoy Gateway's kinds are old", env, envoys, nil, "gateway.crds: create-replace"},
		{"a policy denies what is needed", env, Needs(env)[3:4], []string{"backendtlspolicies (denied)"}, "safe-upgrades.gateway.networking.k8s.io"},
		{"the chart's values leave the CRDs to others", leaves, Needs(leaves), nil, "gateway.values.crds.enabled: false leaves"},
		{"the controller is there, and its kinds are not", uses, Needs(uses)[4:5], nil, "Lockstep brings CRDs only with a controller that it installs"},
		{"the controller is there, and Gateway API is not", uses, Needs(uses), nil, "yourself"},
		{"there is no Gateway API, and CRDs are skipped", skips, Needs(skips), nil, "gateway.crds: create)"},
	} {
		err := Unserved(test.env, test.missing, test.denied)
		if e, is := failure.As(err); !is || !strings.Contains(e.Next, test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestReleasesOfEnvoyGateway(t *testing.T) {
	for version, minor := range map[string]string{"v1.7.0": "v1.7", "1.7.3": "v1.7", "v1.6.1": "v1.6", "v2.0.0": "", "": "", "v1.9.1": "v1.9"} {
		if release, known := ReleaseOf(version); known != (minor != "") || known && release.minor() != minor {
			t.Errorf("%s is %+v", version, release)
		}
	}
	for kubernetes, version := range map[int]string{30: "v1.9.0", 31: "v1.9.0", 32: "v1.8.0", 33: "v1.9.0", 35: "v1.9.0", 36: "v1.9.0", 40: "v1.9.0", 20: "v1.9.0"} {
		if newest := Newest(cluster.Version{Major: 1, Minor: kubernetes}); newest.Version != version {
			t.Errorf("for Kubernetes 1.%d it is %s, want %s", kubernetes, newest.Version, version)
		}
	}
	if newest := Newest(cluster.Version{}); newest.Version != "v1.9.0" {
		t.Errorf("for a cluster that does not answer it is %s", newest.Version)
	}
	seven, _ := ReleaseOf("v1.7.0")
	for day, over := range map[string]bool{"2026-08-05": false, "2026-08-07": true} {
		now, err := time.Parse(time.DateOnly, day)
		if err != nil || (seven.Over(now) != "") != over {
			t.Errorf("on %s: %q", day, seven.Over(now))
		}
	}
}

func TestTheDocumentedReleasesAreThoseOfTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Releases() {
		row := fmt.Sprintf("| %s | %s to %s | %s | %s | %s |", r.minor(), r.Lowest, r.Highest, r.GatewayAPI, r.Envoy, r.EndOfLife)
		if r.EndOfLife != "" && !strings.Contains(string(text), row) {
			t.Errorf("docs/operations.md lacks\n%s", row)
		}
	}
}
