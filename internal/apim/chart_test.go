package apim_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"

	"lockstep/config"
	"lockstep/config/deploymenttoml"
	"lockstep/internal/apim"
	"lockstep/internal/release"
	"lockstep/sandbox/charts"
)

const digest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

func TestValuesRenderIntoAWorkingAPIManager(t *testing.T) {
	for name, path := range chartPaths(t) {
		for _, replicas := range []int{1, 2} {
			t.Run(name+" with "+map[int]string{1: "one node", 2: "two nodes"}[replicas], func(t *testing.T) {
				env := environment()
				env.APIManager.Replicas = replicas
				objects := render(t, path, env)
				pods := deployments(t, objects)
				if diff := cmp.Diff(apim.Deployments("apim", replicas), names(pods)); diff != "" {
					t.Errorf("Deployments (-want +got):\n%s", diff)
				}
				for _, pod := range pods {
					checkContainer(t, pod)
				}
				texts := deploymentTOMLs(objects)
				if len(texts) != replicas {
					t.Fatalf("%d deployment.toml, not %d", len(texts), replicas)
				}
				for _, text := range texts {
					checkTOML(t, text)
				}
				checkRouting(t, objects)
			})
		}
	}
}

func TestANodeUnderTheOnlyReplicaCanBeDrained(t *testing.T) {
	for name, path := range chartPaths(t) {
		for replicas, want := range map[int]string{1: "0%", 2: "50%"} {
			env := environment()
			env.APIManager.Replicas = replicas
			for _, object := range render(t, path, env) {
				if object.GetKind() != "PodDisruptionBudget" {
					continue
				}
				got, _, _ := unstructured.NestedString(object.Object, "spec", "minAvailable")
				if percent := validation.IsValidPercent(got); got != want || len(percent) > 0 {
					t.Errorf("%s, %d replicas: minAvailable is %q (%v), not %s", name, replicas, got, percent, want)
				}
			}
		}
	}
}

func TestEnvironmentImageIsUsedByTagWithoutADigest(t *testing.T) {
	env := environment()
	env.APIManager.Image = "wso2/wso2am:4.7.0"
	values, err := apim.Values(env, apim.ChartInput{})
	if err != nil {
		t.Fatal(err)
	}
	got := values["wso2"].(map[string]any)["deployment"].(map[string]any)["image"]
	want := map[string]any{"registry": "docker.io", "repository": "wso2/wso2am", "tag": "4.7.0", "digest": "", "imagePullPolicy": "IfNotPresent"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("image (-want +got):\n%s", diff)
	}
}

func TestUserValuesReachTheServer(t *testing.T) {
	env := environment()
	env.APIManager.Values = config.Values{"wso2": map[string]any{"apim": map[string]any{"configurations": map[string]any{
		"databases": map[string]any{"type": "mysql", "apim_db": map[string]any{"url": "jdbc:mysql://db:3306/apim"}},
	}}}}
	text := deploymentTOMLs(render(t, sandboxChart(t), env))[0]
	for _, want := range []string{`"mysql"`, "jdbc:mysql://db:3306/apim", "WSO2SHARED_DB"} {
		if !strings.Contains(text, want) {
			t.Errorf("configuration lacks %s", want)
		}
	}
}

func TestPlaceholdersOfTheUsersValuesReachEveryNodeFromTheCredentialsSecret(t *testing.T) {
	for name, path := range chartPaths(t) {
		t.Run(name, func(t *testing.T) {
			env := environment()
			env.APIManager.Replicas, env.Credentials.Secret = 2, "own-credentials"
			env.APIManager.Values = config.Values{"wso2": map[string]any{
				"deployment": map[string]any{"envs": map[string]any{"OWN": "given by the chart"}},
				"apim":       map[string]any{"configurations": map[string]any{"extraConfigs": "[mail]\npassword = \"$env{MAIL_PASSWORD}\"\nuser = \"$env{OWN}\"\n"}},
			}}
			nodes := deployments(t, render(t, path, env))
			if len(nodes) != 2 {
				t.Fatalf("%d nodes", len(nodes))
			}
			for _, node := range nodes {
				got := map[string]corev1.EnvVar{}
				for _, e := range node.Spec.Template.Spec.Containers[0].Env {
					got[e.Name] = e
				}
				ref := got["MAIL_PASSWORD"].ValueFrom
				if ref == nil || ref.SecretKeyRef == nil || ref.SecretKeyRef.Name != "own-credentials" || ref.SecretKeyRef.Key != "MAIL_PASSWORD" {
					t.Errorf("%s: variable is %+v", node.Name, got["MAIL_PASSWORD"])
				}
				if got["OWN"].Value != "given by the chart" {
					t.Errorf("%s: the chart's own variable is %+v", node.Name, got["OWN"])
				}
			}
		})
	}
}

func checkContainer(t *testing.T, pods appsv1.Deployment) {
	t.Helper()
	container := pods.Spec.Template.Spec.Containers[0]
	if want := "docker.io/wso2/wso2am@" + digest; container.Image != want || container.ImagePullPolicy != corev1.PullIfNotPresent {
		t.Errorf("image is %s (%s), not %s", container.Image, container.ImagePullPolicy, want)
	}
	var stores []string
	for _, mount := range container.VolumeMounts {
		if strings.HasSuffix(mount.MountPath, ".jks") {
			stores = append(stores, filepath.Base(mount.MountPath))
		}
	}
	slices.Sort(stores)
	if diff := cmp.Diff([]string{"client-truststore.jks", "internal.jks", "primary.jks", "tls.jks"}, stores); diff != "" {
		t.Errorf("stores (-want +got):\n%s", diff)
	}
	startup := container.StartupProbe
	if budget := time.Duration(startup.PeriodSeconds*startup.FailureThreshold) * time.Second; startup.InitialDelaySeconds != 2 || budget < 15*time.Minute {
		t.Errorf("startup probe waits %ds and gives up after %s", startup.InitialDelaySeconds, budget)
	}
	if container.ReadinessProbe.InitialDelaySeconds != 2 {
		t.Errorf("readiness probe waits %ds", container.ReadinessProbe.InitialDelaySeconds)
	}
	for _, e := range container.Env {
		if ref := e.ValueFrom; strings.Contains(e.Name, "PASSWORD") && (ref == nil || ref.SecretKeyRef == nil || ref.SecretKeyRef.Name != "lockstep-credentials") {
			t.Errorf("%s is not from the credentials Secret", e.Name)
		}
	}
	if pods.Spec.Template.Annotations["lockstep.dev/checksum-keystores"] != "stores-1" {
		t.Errorf("annotations are %v", pods.Spec.Template.Annotations)
	}
	if diff := cmp.Diff([]corev1.LocalObjectReference{{Name: "pull"}}, pods.Spec.Template.Spec.ImagePullSecrets); diff != "" {
		t.Errorf("pull secrets (-want +got):\n%s", diff)
	}
}

// effective is what the server must read out of its configuration.
type effective struct {
	Server     struct{ Hostname string }
	SuperAdmin struct{ Username, Password string } `toml:"super_admin"`
	Encryption struct{ Key string }
	Database   map[string]struct{ Type, URL, Driver string }
	Keystore   map[string]any
	Truststore struct {
		FileName string `toml:"file_name"`
		Password string
	}
	OAuth struct {
		Endpoints struct {
			JWKS string `toml:"oauth2_jwks_url"`
		}
	}
	APIM struct {
		Gateway struct {
			Environment []struct {
				Name         string
				HTTPSAddress string `toml:"https_endpoint"`
				WSSAddress   string `toml:"wss_endpoint"`
				WebSub       string `toml:"websub_event_receiver_https_endpoint"`
			}
		}
	}
}

func checkTOML(t *testing.T, text string) {
	t.Helper()
	if problems := deploymenttoml.Lint(text); len(problems) > 0 {
		t.Errorf("configuration has traps: %v", config.Problems(problems))
	}
	var got effective
	if err := toml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Server.Hostname != "am.example.com" || got.SuperAdmin.Username != "admin" || !fromEnv(got.SuperAdmin.Password) || !fromEnv(got.Encryption.Key) ||
		got.OAuth.Endpoints.JWKS != "https://apim-wso2am-all-in-one-am-service:9443/oauth2/jwks" {
		t.Errorf("configuration is %+v", got)
	}
	for store, file := range map[string]string{"primary": "primary.jks", "tls": "tls.jks", "internal": "internal.jks"} {
		k, _ := got.Keystore[store].(map[string]any)
		if k["file_name"] != file || k["alias"] != "wso2carbon" || !fromEnv(k["password"]) || !fromEnv(k["key_password"]) {
			t.Errorf("keystore.%s is %v", store, k)
		}
	}
	if got.Truststore.FileName != "client-truststore.jks" || !fromEnv(got.Truststore.Password) {
		t.Errorf("truststore is %+v", got.Truststore)
	}
	if db := got.Database["apim_db"]; db.Type != "h2" || db.Driver != "org.h2.Driver" || !strings.Contains(db.URL, "WSO2AM_DB") {
		t.Errorf("database is %+v", db)
	}
	gateways := got.APIM.Gateway.Environment
	if len(gateways) != 1 || gateways[0].Name != "Default" || gateways[0].HTTPSAddress != "https://gw.example.com" ||
		gateways[0].WSSAddress != "wss://ws.example.com" || gateways[0].WebSub != "https://websub.example.com" {
		t.Errorf("gateway environments are %+v", gateways)
	}
}

func fromEnv(value any) bool {
	text, _ := value.(string)
	return strings.HasPrefix(text, "$env{WSO2_")
}

func checkRouting(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	var routes []string
	hosts := map[string]bool{}
	for _, object := range objects {
		switch object.GetKind() {
		case "HTTPRoute":
			routes = append(routes, object.GetName())
			names, _, _ := unstructured.NestedStringSlice(object.Object, "spec", "hostnames")
			hosts[names[0]] = true
			parents, _, _ := unstructured.NestedSlice(object.Object, "spec", "parentRefs")
			if got := parents[0].(map[string]any)["name"]; got != "wso2-apim-gateway" {
				t.Errorf("%s belongs to Gateway %v", object.GetName(), got)
			}
		case "BackendTLSPolicy":
			validation, _, _ := unstructured.NestedMap(object.Object, "spec", "validation")
			if validation["hostname"] != "apim-wso2am-all-in-one-am-service.wso2.svc" {
				t.Errorf("backend host name is %v", validation["hostname"])
			}
		case "ConfigMap":
			if object.GetName() == "wso2-ca-cert" {
				t.Error("the chart makes the ConfigMap that Lockstep makes")
			}
		}
	}
	want := apim.Routes("apim")
	slices.Sort(want)
	slices.Sort(routes)
	if diff := cmp.Diff(want, routes); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	if len(hosts) != 4 || hosts["km.example.com"] {
		t.Errorf("routes are for %v", hosts)
	}
}

func environment() config.Environment {
	env := config.Environment{
		Name: "dev", Namespace: "wso2",
		Hostnames: config.Hostnames{Management: "am.example.com", Gateway: "gw.example.com", WebSocket: "ws.example.com",
			WebSub: "websub.example.com", KeyManager: "km.example.com"},
	}
	env.Default()
	return env
}

func render(t *testing.T, path string, env config.Environment) []*unstructured.Unstructured {
	t.Helper()
	values, err := apim.Values(env, apim.ChartInput{Reference: "docker.io/wso2/wso2am@" + digest})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := release.New(release.Options{}).Render(context.Background(), release.Spec{
		Name: env.APIManager.Release, Namespace: env.Namespace, Chart: config.Chart{Path: path}, Values: values,
		PostRender: func(objects []*unstructured.Unstructured) error {
			return apim.Mend(objects, apim.MendInput{CredentialsSecret: env.CredentialsSecret(), KeystoreChecksum: "stores-1", PullSecret: "pull",
				UserEnv: env.APIManager.Values.EnvReferences()})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// chartPaths are the sandbox's chart and, where LOCKSTEP_REAL_CHARTS names a folder with it, WSO2's own.
func chartPaths(t *testing.T) map[string]string {
	t.Helper()
	paths := map[string]string{"sandbox": sandboxChart(t)}
	if real := os.Getenv("LOCKSTEP_REAL_CHARTS"); real != "" {
		paths["wso2/helm-apim 4.7.x"] = filepath.Join(real, "helm-apim", "all-in-one")
	} else {
		t.Log("WSO2's own chart is not tested: LOCKSTEP_REAL_CHARTS is not set")
	}
	return paths
}

func sandboxChart(t *testing.T) string {
	t.Helper()
	archives, err := charts.Archives()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "apim.tgz")
	if err := os.WriteFile(path, archives["wso2am-all-in-one-4.7.0-1.tgz"], 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func deployments(t *testing.T, objects []*unstructured.Unstructured) (found []appsv1.Deployment) {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		var d appsv1.Deployment
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &d, true); err != nil {
			t.Fatal(err)
		}
		found = append(found, d)
	}
	slices.SortFunc(found, func(a, b appsv1.Deployment) int { return strings.Compare(a.Name, b.Name) })
	return found
}

func names(pods []appsv1.Deployment) (names []string) {
	for _, d := range pods {
		names = append(names, d.Name)
	}
	return names
}

func deploymentTOMLs(objects []*unstructured.Unstructured) (texts []string) {
	for _, object := range objects {
		if text, found, _ := unstructured.NestedString(object.Object, "data", "deployment.toml"); found {
			texts = append(texts, text)
		}
	}
	return texts
}
