package identity_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"lockstep/config"
	"lockstep/config/deploymenttoml"
	"lockstep/internal/identity"
	"lockstep/internal/release"
	"lockstep/sandbox/charts"
)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestValuesRenderIntoAWorkingIdentityServer(t *testing.T) {
	for name, path := range chartPaths(t) {
		t.Run(name, func(t *testing.T) {
			objects := render(t, path, environment())
			pods := deployment(t, objects)
			if pods.Name != identity.Fullname("is") {
				t.Errorf("Deployment is called %s, not %s", pods.Name, identity.Fullname("is"))
			}
			checkContainer(t, pods)
			checkTOML(t, objects)
			checkNoSecret(t, objects)
			if !hasObject(objects, "Service", identity.Service(environment())) {
				t.Error("there is no Service of the name that others use")
			}
		})
	}
}

func TestUserValuesWinOverComposedOnes(t *testing.T) {
	env := environment()
	env.IdentityServer.Values = config.Values{
		"deployment":     map[string]any{"resources": map[string]any{"requests": map[string]any{"cpu": "100m"}}},
		"deploymentToml": map[string]any{"extraConfigs": "[role_mgt]\nallow_system_prefix_for_role = false\n"},
	}
	values, err := identity.Values(env, identity.ChartInput{Reference: "docker.io/team/is@" + digest, Version: "7.2.0"})
	if err != nil {
		t.Fatal(err)
	}
	deployment := values["deployment"].(map[string]any)
	if got := deployment["resources"].(map[string]any)["requests"].(map[string]any)["cpu"]; got != "100m" {
		t.Errorf("cpu request is %v, not the user's 100m", got)
	}
	extra := values["deploymentToml"].(map[string]any)["extraConfigs"].(string)
	if strings.Count(extra, "[role_mgt]") != 1 || !strings.Contains(extra, "[[event_listener]]") {
		t.Errorf("the user's table should replace Lockstep's and nothing else:\n%s", extra)
	}
}

func TestOnlyTablesOfTheUserTakeThePlaceOfLocksteps(t *testing.T) {
	extra := func(text string) (string, error) {
		env := environment()
		env.IdentityServer.Values = config.Values{"deploymentToml": map[string]any{"extraConfigs": text}}
		values, err := identity.Values(env, identity.ChartInput{Reference: "docker.io/team/is@" + digest, Version: "7.2.0"})
		if err != nil {
			return "", err
		}
		return values["deploymentToml"].(map[string]any)["extraConfigs"].(string), nil
	}
	text, err := extra("# instead of [role_mgt], /scim2/Me and org.wso2.is.notification.ApimOauthEventInterceptor\n[mine]\nx = 1\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n[[resource.access_control]]\n", "\n[[event_listener]]\n", "\n[mine]\n"} {
		if !strings.HasPrefix(text, "[role_mgt]\n") || !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	if _, err := extra("[mine]\npassword = hush\n"); err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "hush") {
		t.Errorf("what is no TOML gives %v", err)
	}
}

func TestHomeOfTheImageSaysWhereStoresAreMounted(t *testing.T) {
	values, err := identity.Values(environment(), identity.ChartInput{Reference: "r.example/is@" + digest, Home: "/home/wso2carbon/wso2is-7.3.0"})
	if err != nil {
		t.Fatal(err)
	}
	got := values["deployment"].(map[string]any)
	if got["productPackName"] != "wso2is" || got["buildVersion"] != "7.3.0" {
		t.Errorf("got %v-%v, not wso2is-7.3.0", got["productPackName"], got["buildVersion"])
	}
	if _, err := identity.Values(environment(), identity.ChartInput{Reference: "r.example/is@" + digest, Home: "/opt/is"}); err == nil {
		t.Error("a home that the chart cannot mount into is accepted")
	}
}

func TestPlaceholdersOfTheUsersValuesReachThePodsFromTheCredentialsSecret(t *testing.T) {
	for name, path := range chartPaths(t) {
		t.Run(name, func(t *testing.T) {
			env := environment()
			env.Credentials.Secret = "own-credentials"
			env.IdentityServer.Values = config.Values{"deploymentToml": map[string]any{"database": map[string]any{
				"identity": map[string]any{"password": "$env{IS_DB_PASSWORD}"}}}}
			objects := render(t, path, env)
			if text := deploymentTOML(t, objects); !strings.Contains(text, "$env{IS_DB_PASSWORD}") {
				t.Errorf("the placeholder is not in the configuration")
			}
			got := map[string]corev1.EnvVar{}
			for _, e := range deployment(t, objects).Spec.Template.Spec.Containers[0].Env {
				if _, twice := got[e.Name]; twice {
					t.Errorf("variable %s is there twice", e.Name)
				}
				got[e.Name] = e
			}
			ref := got["IS_DB_PASSWORD"].ValueFrom
			if ref == nil || ref.SecretKeyRef == nil || ref.SecretKeyRef.Name != "own-credentials" || ref.SecretKeyRef.Key != "IS_DB_PASSWORD" {
				t.Errorf("variable is %+v", got["IS_DB_PASSWORD"])
			}
		})
	}
}

func TestVariablesOfTheChartStayAsTheyAre(t *testing.T) {
	objects := render(t, sandboxChart(t, "identity-server-7.2.0-1.tgz"), environment())
	in := identity.MendInput{CredentialsSecret: "credentials", UserEnv: []string{"NODE_IP", "JAVA_OPTS", "WSO2_ADMIN_PASSWORD"}}
	before := deployment(t, objects).Spec.Template.Spec.Containers[0].Env
	if err := identity.Mend(objects, in); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, deployment(t, objects).Spec.Template.Spec.Containers[0].Env); diff != "" {
		t.Errorf("variables (-before +after):\n%s", diff)
	}
}

func TestMendRefusesWhatTheServerWouldNotStartWith(t *testing.T) {
	for name, c := range map[string]struct {
		values config.Values
		want   string
	}{
		"a parent table after its child": {config.Values{"deploymentToml": map[string]any{
			"extraConfigs": "[oauth]\nauthorize_all_scopes = true\n"}}, "[oauth]"},
		"stores of one name": {config.Values{"deploymentToml": map[string]any{"keystore": map[string]any{
			"tls": map[string]any{"fileName": "same.p12"}, "primary": map[string]any{"fileName": "same.p12"}}}}, "distinct file names"},
	} {
		t.Run(name, func(t *testing.T) {
			env := environment()
			env.IdentityServer.Values = c.values
			_, err := tryRender(t, sandboxChart(t, "identity-server-7.1.0-3.tgz"), env)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func checkContainer(t *testing.T, pods appsv1.Deployment) {
	t.Helper()
	container := pods.Spec.Template.Spec.Containers[0]
	if want := "registry.example.com:5000/team/wso2is-km@" + digest; container.Image != want {
		t.Errorf("image is %s, not %s", container.Image, want)
	}
	for _, mount := range container.VolumeMounts {
		if strings.HasSuffix(mount.MountPath, ".p12") && !strings.HasPrefix(mount.MountPath, "/home/wso2carbon/wso2is-7.2.0/repository/resources/security/") {
			t.Errorf("store is mounted at %s, outside the server", mount.MountPath)
		}
	}
	startup := container.StartupProbe
	if budget := time.Duration(startup.PeriodSeconds*startup.FailureThreshold) * time.Second; startup.InitialDelaySeconds != 2 || budget < 15*time.Minute {
		t.Errorf("startup probe waits %ds and gives up after %s", startup.InitialDelaySeconds, budget)
	}
	if container.ReadinessProbe.InitialDelaySeconds != 2 {
		t.Errorf("readiness probe waits %ds", container.ReadinessProbe.InitialDelaySeconds)
	}
	refs := map[string]string{}
	for _, e := range container.Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			refs[e.Name] = e.ValueFrom.SecretKeyRef.Name + "/" + e.ValueFrom.SecretKeyRef.Key
		}
	}
	if diff := cmp.Diff(map[string]string{
		"WSO2_ADMIN_PASSWORD":    "lockstep-credentials/adminPassword",
		"WSO2_KEYSTORE_PASSWORD": "lockstep-credentials/keystorePassword",
		"WSO2_ENCRYPTION_KEY":    "lockstep-credentials/isEncryptionKey",
	}, refs); diff != "" {
		t.Errorf("credentials of the pods (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]corev1.LocalObjectReference{{Name: "pull"}}, pods.Spec.Template.Spec.ImagePullSecrets); diff != "" {
		t.Errorf("pull secrets (-want +got):\n%s", diff)
	}
	annotations := pods.Spec.Template.Annotations
	if annotations["lockstep.dev/checksum-keystores"] != "stores-1" || len(annotations["lockstep.dev/checksum-deployment.toml"]) != 64 {
		t.Errorf("checksum annotations are %v", annotations)
	}
	if c := container.SecurityContext; c != nil && c.AppArmorProfile != nil {
		t.Error("an AppArmor profile is asked for")
	}
}

// effective is what the server must read out of its configuration.
type effective struct {
	Server     struct{ Hostname string }
	SuperAdmin struct{ Username, Password string } `toml:"super_admin"`
	Encryption struct{ Key string }
	OAuth      struct {
		AuthorizeAllScopes bool `toml:"authorize_all_scopes"`
	}
	RoleMgt struct {
		AllowSystemPrefix bool `toml:"allow_system_prefix_for_role"`
	} `toml:"role_mgt"`
	Keystore map[string]struct {
		FileName    string `toml:"file_name"`
		Type, Alias string
		Password    string
		KeyPassword string `toml:"key_password"`
	}
	Truststore struct {
		FileName string `toml:"file_name"`
		Password string
	}
	EventListener []struct {
		Type, Name string
		Properties map[string]any
	} `toml:"event_listener"`
}

func checkTOML(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	text := deploymentTOML(t, objects)
	if problems := deploymenttoml.Lint(text); len(problems) > 0 {
		t.Errorf("configuration has traps: %v", config.Problems(problems))
	}
	var got effective
	if err := toml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Server.Hostname != "km.example.com" || got.SuperAdmin.Username != "admin" || got.SuperAdmin.Password != "$env{WSO2_ADMIN_PASSWORD}" ||
		got.Encryption.Key != "$env{WSO2_ENCRYPTION_KEY}" || !got.OAuth.AuthorizeAllScopes || !got.RoleMgt.AllowSystemPrefix {
		t.Errorf("configuration is %+v", got)
	}
	for store, file := range map[string]string{"tls": "tls.p12", "primary": "primary.p12", "internal": "internal.p12"} {
		k := got.Keystore[store]
		if k.FileName != file || k.Type != "PKCS12" || k.Alias != "wso2carbon" || k.Password != "$env{WSO2_KEYSTORE_PASSWORD}" || k.KeyPassword != k.Password {
			t.Errorf("keystore.%s is %+v", store, k)
		}
	}
	if got.Truststore.FileName != "client-truststore.p12" || got.Truststore.Password != "$env{WSO2_KEYSTORE_PASSWORD}" {
		t.Errorf("truststore is %+v", got.Truststore)
	}
	want := map[string]any{
		"notification_endpoint":     "https://apim-wso2am-all-in-one-am-service.wso2.svc.cluster.local:9443/internal/data/v1/notify",
		"username":                  "admin",
		"password":                  "$env{WSO2_ADMIN_PASSWORD}",
		"header.X-WSO2-KEY-MANAGER": "WSO2-IS",
	}
	if len(got.EventListener) != 1 {
		t.Fatalf("%d event listeners, not one", len(got.EventListener))
	}
	if diff := cmp.Diff(want, got.EventListener[0].Properties); diff != "" {
		t.Errorf("event listener (-want +got):\n%s", diff)
	}
}

// checkNoSecret looks for the chart's default passwords and keys, which would be there if a value did not replace them.
func checkNoSecret(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	text := deploymentTOML(t, objects)
	for _, secret := range []string{"3cc0481b70794667b5bee7e2beed2de4", `password = "admin"`, `key_password = "wso2carbon"`, `key_password ="wso2carbon"`} {
		if strings.Contains(text, secret) {
			t.Errorf("configuration has the well-known secret %q in clear", secret)
		}
	}
}

func environment() config.Environment {
	env := config.Environment{
		Name: "dev", Namespace: "wso2",
		Hostnames: config.Hostnames{Management: "am.example.com", Gateway: "gw.example.com", WebSocket: "ws.example.com",
			WebSub: "websub.example.com", KeyManager: "km.example.com"},
		Image: config.Image{Target: "registry.example.com:5000/team/wso2is-km:7.2.0", PullSecret: "pull"},
	}
	env.Default()
	return env
}

func render(t *testing.T, path string, env config.Environment) []*unstructured.Unstructured {
	t.Helper()
	objects, err := tryRender(t, path, env)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func tryRender(t *testing.T, path string, env config.Environment) ([]*unstructured.Unstructured, error) {
	t.Helper()
	values, err := identity.Values(env, identity.ChartInput{Reference: "registry.example.com:5000/team/wso2is-km@" + digest, Version: "7.2.0"})
	if err != nil {
		t.Fatal(err)
	}
	return release.New(release.Options{}).Render(context.Background(), release.Spec{
		Name: env.IdentityServer.Release, Namespace: env.Namespace, Chart: config.Chart{Path: path}, Values: values,
		PostRender: func(objects []*unstructured.Unstructured) error {
			return identity.Mend(objects, identity.MendInput{CredentialsSecret: env.CredentialsSecret(), KeystoreChecksum: "stores-1", PullSecret: "pull",
				UserEnv: env.IdentityServer.Values.EnvReferences()})
		},
	})
}

// chartPaths are the sandbox's charts and, where LOCKSTEP_REAL_CHARTS names a folder with it, WSO2's own.
func chartPaths(t *testing.T) map[string]string {
	t.Helper()
	paths := map[string]string{
		"sandbox 7.1.0-3": sandboxChart(t, "identity-server-7.1.0-3.tgz"),
		"sandbox 7.2.0-1": sandboxChart(t, "identity-server-7.2.0-1.tgz"),
	}
	if real := os.Getenv("LOCKSTEP_REAL_CHARTS"); real != "" {
		paths["wso2/kubernetes-is 7.1.0-3"] = filepath.Join(real, "kubernetes-is")
	} else {
		t.Log("WSO2's own chart is not tested: LOCKSTEP_REAL_CHARTS is not set")
	}
	return paths
}

func sandboxChart(t *testing.T, archive string) string {
	t.Helper()
	archives, err := charts.Archives()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), archive)
	if err := os.WriteFile(path, archives[archive], 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func deployment(t *testing.T, objects []*unstructured.Unstructured) (found appsv1.Deployment) {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() == "Deployment" {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &found, true); err != nil {
				t.Fatal(err)
			}
			return found
		}
	}
	t.Fatal("there is no Deployment")
	return found
}

func deploymentTOML(t *testing.T, objects []*unstructured.Unstructured) string {
	t.Helper()
	for _, object := range objects {
		if text, found, _ := unstructured.NestedString(object.Object, "data", "deployment.toml"); found {
			return text
		}
	}
	t.Fatal("there is no deployment.toml")
	return ""
}

func hasObject(objects []*unstructured.Unstructured, kind, name string) bool {
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return true
		}
	}
	return false
}
