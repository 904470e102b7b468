package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// releases are those of Envoy Gateway whose charts are unpacked.
var releases = []string{"1.7", "1.9"}

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

// renderReal is what Envoy Gateway's chart of a release makes of an environment with a controller name of its own.
func renderReal(t *testing.T, version string) *release.Release {
	t.Helper()
	chart, err := loader.Load(filepath.Join("..", "..", "bin", "charts", "gateway-helm-"+version))
	if err != nil && os.Getenv("LOCKSTEP_REQUIRE_SANDBOX") != "1" {
		t.Skipf("%v; run `make tools`", err)
	} else if err != nil {
		t.Fatal(err)
	}
	env := environment()
	env.Routing.ControllerName = "example.com/own"
	install := action.NewInstall(new(action.Configuration))
	install.ClientOnly, install.DryRun = true, true
	install.ReleaseName, install.Namespace = env.Routing.Release, env.Routing.Namespace
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.35.0", Major: "1", Minor: "35"}
	rendered, err := install.Run(chart, Values(env))
	if err != nil {
		t.Fatal(err)
	}
	return rendered
}
