package rights

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/gateway"
	"lockstep/internal/manifest"
	"lockstep/sandbox/charts"
)

func environment() config.Environment {
	env := configtest.Quickstart()
	env.Routing.Chart.Version = "v1.9.0"
	return env
}

func account(env config.Environment) Account {
	return Account{Cluster: "default", Controller: env.Routing.Controller, Namespaces: []string{env.Namespace}, Authorities: []string{env.Certificates.CANamespace}[:min(1, len(env.Certificates.CANamespace))], Namespace: "lockstep", Name: "worker"}
}

// allows is what RBAC makes of the account's rules.
func (a Account) allows(access cluster.Access) bool {
	rules := a.rules("")
	if access.Namespace != "" {
		rules = slices.Concat(rules, a.rules(access.Namespace))
	}
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.APIGroups, access.Group) && slices.Contains(rule.Resources, access.Resource) && slices.Contains(rule.Verbs, access.Verb) &&
			(len(rule.ResourceNames) == 0 || access.Name != "" && slices.Contains(rule.ResourceNames, access.Name))
	})
}

func TestWhatIsPrintedAllowsWhatPreflightAsksFor(t *testing.T) {
	for name, change := range variants() {
		env := environment()
		change(&env)
		for _, access := range Needed(env, Makes{}, false) {
			if !account(env).allows(access) {
				t.Errorf("%s: the printed roles do not let it %s", name, access)
			}
		}
	}
	env := environment()
	made := Needed(env, Makes{Products: true}, false)
	if i := slices.IndexFunc(made, func(a cluster.Access) bool { return a.Resource == "namespaces" && a.Verb == "create" }); i < 0 || account(env).allows(made[i]) {
		t.Error("a namespace that is not there is not asked for, or anybody may make it")
	}
}

func TestOneNamespaceForAllIsMade(t *testing.T) {
	env := environment()
	env.Routing.Namespace = env.Namespace
	for _, makes := range []Makes{{Products: true}, {Products: true, Controller: true}, {Controller: true}} {
		for range 20 {
			count := 0
			for _, access := range Needed(env, makes, false) {
				if access.Resource == "namespaces" && access.Verb == "create" {
					count++
				}
			}
			if count != 1 {
				t.Fatalf("%+v: asks %d times whether it may make the namespace", makes, count)
			}
		}
	}
}

func TestACAOfTheUsersOwnIsReadAlone(t *testing.T) {
	env := environment()
	env.Certificates.CANamespace, env.Certificates.CA = "authorities", "ours"
	var there []cluster.Access
	for _, access := range Needed(env, Makes{}, false) {
		if access.Namespace == "authorities" {
			there = append(there, access)
		}
	}
	if want := (cluster.Access{Verb: "get", Resource: "secrets", Namespace: "authorities", Name: "ours"}); len(there) != 1 || there[0] != want {
		t.Errorf("asks for %v", there)
	}
}

func TestWhoEscalatesNeedsNoRightsOfTheController(t *testing.T) {
	env := environment()
	reads := func(a cluster.Access) bool { return a.Resource == "secrets" && a.Namespace == "" }
	if !slices.ContainsFunc(Needed(env, Makes{}, false), reads) || slices.ContainsFunc(Needed(env, Makes{}, true), reads) {
		t.Error("an account has to read all Secrets just if it cannot make the controller's Roles otherwise")
	}
	for _, access := range Escalation(env.Routing.Controller) {
		if account(env).allows(access) {
			t.Errorf("the printed roles let it %s", access)
		}
	}
	for _, right := range Table(env.Routing.Controller) { // the chart's own objects are made all the same
		for _, access := range right.accesses(in(right.Where, env.Namespace, env.Routing.Namespace, "")) {
			if right.For != handed && !right.Optional && !slices.Contains(Needed(env, Makes{}, true), access) {
				t.Errorf("it is not asked whether the account may %s", access)
			}
		}
	}
}

func variants() map[string]func(*config.Environment) {
	return map[string]func(*config.Environment){
		"default":                   func(*config.Environment) {},
		"an admin's gateway":        func(env *config.Environment) { env.Routing.Install = new(bool) },
		"CRDs that are replaced":    func(env *config.Environment) { env.Routing.CRDs = config.CRDsCreateReplace },
		"CRDs of somebody else":     func(env *config.Environment) { env.Routing.CRDs = config.CRDsSkip },
		"a namespace for the CA":    func(env *config.Environment) { env.Certificates.CANamespace = "authorities" },
		"the products' own gateway": func(env *config.Environment) { env.Routing.Namespace = env.Namespace },
	}
}

func TestNoRoleReachesFurther(t *testing.T) {
	for name, change := range variants() {
		env := environment()
		change(&env)
		of := account(env)
		for _, object := range of.Objects() {
			text, err := yaml.Marshal(object)
			if err != nil || strings.Contains(string(text), "*") {
				t.Errorf("%s: a wildcard, or %v, in\n%s", name, err, text)
			}
			for _, verb := range []string{"escalate", "bind", "impersonate", "cluster-admin", "approve"} {
				if slices.Contains(strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(" \n:-", r) }), verb) {
					t.Errorf("%s: %s in\n%s", name, verb, text)
				}
			}
		}
		for _, rule := range of.rules("") {
			for _, verb := range []string{"delete", "patch", "update", "deletecollection"} {
				changes := slices.Contains(rule.Verbs, verb) && len(rule.ResourceNames) == 0 && !strings.HasSuffix(rule.Resources[0], "/status")
				if changes && rule.Resources[0] != "gatewayclasses" && rule.Resources[0] != "pods" { // the injector of the controller binds pods
					t.Errorf("%s: %s of any %v on the whole cluster", name, verb, rule.Resources)
				}
			}
		}
		secrets := cluster.Access{Verb: "get", Resource: "secrets", Namespace: "kube-system"}
		if reads := of.allows(secrets); reads != env.Routing.Installs() {
			t.Errorf("%s: reading everybody's Secrets, which the controller's own Role makes necessary, is %v", name, reads)
		}
	}
}

func TestTheRealChartsOfTheGatewayAreCovered(t *testing.T) {
	for _, version := range []string{"1.7", "1.9"} {
		loaded, err := loader.Load(filepath.Join("..", "..", "bin", "charts", "gateway-helm-"+version))
		if err != nil && os.Getenv("LOCKSTEP_REQUIRE_SANDBOX") != "1" {
			t.Skipf("%v; run `make tools`", err)
		} else if err != nil {
			t.Fatal(err)
		}
		env := environment()
		for _, object := range render(t, loaded, env.Routing.Release, env.Routing.Namespace, gateway.Values(env)) {
			covers(t, env, "gateway "+version, object)
		}
		for _, crd := range loaded.CRDObjects() {
			objects, err := manifest.Decode(crd.File.Data)
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range objects {
				covers(t, env, "gateway "+version, object)
				plural, _, _ := unstructured.NestedString(object.Object, "spec", "names", "plural")
				group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
				if object.GetKind() == "CustomResourceDefinition" && !account(env).allows(cluster.Access{Verb: "list", Group: group, Resource: plural}) {
					t.Errorf("gateway %s: whether %s has objects cannot be seen", version, object.GetName())
				}
			}
		}
	}
}

func TestTheChartsOfTheProductsAreCovered(t *testing.T) {
	env := environment()
	env.IdentityServer.Values = config.Values{"wso2": map[string]any{"subscription": map[string]any{"username": "u", "password": "p"}}}
	env.APIManager.Values = config.Values{"kubernetes": map[string]any{"ingress": map[string]any{"management": map[string]any{"enabled": true}}}}
	archives, err := charts.Archives()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range component.Products(env) {
		loaded, err := loader.LoadArchive(bytes.NewReader(archives[c.Chart.Name+"-"+c.Chart.Version+".tgz"]))
		if err != nil {
			t.Fatal(err)
		}
		const digest = "@sha256:0000000000000000000000000000000000000000000000000000000000000000"
		spec, err := c.Spec(env.Name, component.Found{IdentityServer: env.Image.Base + digest, Version: "7.2.0", APIManager: env.APIManager.Image + digest}, component.Pods{Checksum: "x"})
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range render(t, loaded, c.Release, c.Namespace, spec.Values) {
			covers(t, env, c.Title, object)
			seen[object.GetKind()] = true
		}
	}
	for _, kind := range []string{"Deployment", "Role", "HTTPRoute", "BackendTrafficPolicy", "PodDisruptionBudget"} {
		if !seen[kind] {
			t.Errorf("the charts made no %s: %v", kind, seen)
		}
	}
	for _, object := range gateway.Objects(env) {
		covers(t, env, "the Gateway", object)
	}
}

// render is helm template, hooks included.
func render(t *testing.T, loaded *chart.Chart, release, namespace string, values map[string]any) (all []*unstructured.Unstructured) {
	t.Helper()
	install := action.NewInstall(new(action.Configuration))
	install.ClientOnly, install.DryRun = true, true
	install.ReleaseName, install.Namespace = release, namespace
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.35.0", Major: "1", Minor: "35"}
	rendered, err := install.Run(loaded, values)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{rendered.Manifest}
	for _, hook := range rendered.Hooks {
		texts = append(texts, hook.Manifest)
	}
	for _, text := range texts {
		objects, err := manifest.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, objects...)
	}
	return all
}

// covers fails if an object cannot be made, changed and removed, or if it is a Role with rights that the account has not.
func covers(t *testing.T, env config.Environment, chart string, object *unstructured.Unstructured) {
	t.Helper()
	plural, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
	plural.Resource = strings.Replace(plural.Resource, "gatewaies", "gateways", 1)
	namespace := object.GetNamespace()
	for _, verb := range []string{"get", "create", "patch", "delete"} {
		access := cluster.Access{Verb: verb, Group: plural.Group, Resource: plural.Resource, Namespace: namespace, Name: object.GetName()}
		if !account(env).allows(access) && !(account(env).allows(inProducts(access, env)) && namespace == "") {
			t.Errorf("%s: the account may not %s", chart, access)
		}
	}
	if object.GetKind() != "Role" && object.GetKind() != "ClusterRole" {
		return
	}
	var role rbacv1.Role
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role); err != nil {
		t.Fatal(err)
	}
	for _, rule := range role.Rules {
		for _, right := range spread(rule, namespace) {
			if !account(env).allows(right) {
				t.Errorf("%s: %s gives %s, which the account has not", chart, object.GetName(), right)
			}
		}
	}
}

// inProducts is for objects that leave their namespace to Helm.
func inProducts(access cluster.Access, env config.Environment) cluster.Access {
	access.Namespace = env.Namespace
	return access
}

func spread(rule rbacv1.PolicyRule, namespace string) (all []cluster.Access) {
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				for _, name := range append(slices.Clone(rule.ResourceNames), "")[:max(len(rule.ResourceNames), 1)] {
					all = append(all, cluster.Access{Verb: verb, Group: group, Resource: resource, Namespace: namespace, Name: name})
				}
			}
		}
	}
	return all
}

func TestThePageOfPermissionsHasTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "permissions.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), Markdown()) {
		t.Errorf("docs/permissions.md has another table than\n%s", Markdown())
	}
}
