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

func TestTheHooksOfTheRealChartAreAmongTheLeftovers(t *testing.T) {
	env := environment()
	known := map[string]string{}
	for _, ref := range HookObjects(env) {
		known[ref.Kind+" "+ref.Name] = ref.Owner
	}
	jobs := 0
	for _, hook := range renderReal(t).Hooks {
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

func TestTheRealChartRunsTheControllerUnderTheGivenName(t *testing.T) {
	manifest := renderReal(t).Manifest
	for _, want := range []string{"controllerName: example.com/own", "kind: Deployment\nmetadata:\n  name: " + Deployment + "\n"} {
		if !strings.Contains(manifest, want) {
			t.Errorf("nothing has %q:\n%s", want, manifest)
		}
	}
}

// renderReal is what Envoy Gateway's chart makes of an environment with a controller name of its own.
func renderReal(t *testing.T) *release.Release {
	t.Helper()
	chart, err := loader.Load(filepath.Join("..", "..", "bin", "charts", "gateway-helm"))
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
