package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// releases are those of Envoy Gateway that Lockstep supports. v1.8 is only rendered: nothing runs it.
var releases = []string{"1.7", "1.8", "1.9"}

func TestTheRealChartsBringTheGatewayAPIOfTheTable(t *testing.T) {
	for _, version := range releases {
		release, known := ReleaseOf("v" + version + ".0")
		found := map[string]bool{}
		for _, object := range realChart(t, version).CRDObjects() {
			for _, line := range strings.Split(string(object.File.Data), "\n") {
				if _, bundle, is := strings.Cut(line, "gateway.networking.k8s.io/bundle-version: "); is {
					found[bundle] = true
				}
			}
		}
		if !known || !found[release.GatewayAPI] {
			t.Errorf("the chart of v%s brings Gateway API %v, and the table has %q", version, found, release.GatewayAPI)
		}
	}
}

func TestTheHooksOfTheRealChartsAreAmongTheLeftovers(t *testing.T) {
	for _, release := range releases {
		t.Run(release, func(t *testing.T) { testHooks(t, renderReal(t, release)) })
	}
}

func testHooks(t *testing.T, rendered *release.Release) {
	env := environment()
	known := map[string]string{}
	for _, ref := range HookObjects(env) {
		known[ref.Kind+" "+ref.Name] = ref.Owner
	}
	jobs := 0
	for _, hook := range rendered.Hooks {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(hook.Manifest), &object.Object); err != nil {
			t.Fatal(err)
		}
		if len(hook.DeletePolicies) > 0 {
			t.Errorf("Helm removes %s %s itself", object.GetKind(), object.GetName())
		}
		owner, found := known[object.GetKind()+" "+object.GetName()]
		if !found {
			t.Errorf("%s %s is not among the leftovers", object.GetKind(), object.GetName())
			continue
		}
		if selector, err := labels.Parse(owner); err != nil || !selector.Matches(labels.Set(object.GetLabels())) {
			t.Errorf("%s %s has labels %v, which %q does not select: %v", object.GetKind(), object.GetName(), object.GetLabels(), owner, err)
		}
		if object.GetKind() == "Job" && object.GetName() == Hook(env) {
			jobs++
		}
	}
	if jobs != 1 {
		t.Errorf("%d hooks are the Job %s", jobs, Hook(env))
	}
}

func TestTheRealChartsRunTheControllerUnderTheGivenName(t *testing.T) {
	for _, release := range releases {
		manifest := renderReal(t, release).Manifest
		for _, want := range []string{"controllerName: example.com/own", "kind: Deployment\nmetadata:\n  name: " + Deployment + "\n"} {
			if !strings.Contains(manifest, want) {
				t.Errorf("nothing of %s has %q:\n%s", release, want, manifest)
			}
		}
	}
}

func realChart(t *testing.T, version string) *chart.Chart {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join("..", "..", "bin", "charts", "*", "gateway-helm-"+version))
	loaded, err := loader.Load(append(found, filepath.Join("..", "..", "bin", "charts", "gateway-helm-"+version))[0])
	if err != nil && os.Getenv("LOCKSTEP_REQUIRE_SANDBOX") != "1" {
		t.Skipf("%v; run `make tools`", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// renderReal is what Envoy Gateway's chart of a release makes of an environment with a controller name of its own.
func renderReal(t *testing.T, version string) *release.Release {
	t.Helper()
	env := environment()
	env.Routing.ControllerName = "example.com/own"
	install := action.NewInstall(new(action.Configuration))
	install.ClientOnly, install.DryRun = true, true
	install.ReleaseName, install.Namespace = env.Routing.Release, env.Routing.Namespace
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.35.0", Major: "1", Minor: "35"}
	rendered, err := install.Run(realChart(t, version), Values(env))
	if err != nil {
		t.Fatal(err)
	}
	return rendered
}
