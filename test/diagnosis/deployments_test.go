package diagnosis

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/failure"
	"lockstep/internal/keystore"
	"lockstep/sandbox/fault"
	"lockstep/test/world"
)

// beforeDeployment are what stops a deployment on a bare cluster.
func beforeDeployment() []provocation {
	return []provocation{
		{"Gateway API CRDs are missing", func(t *testing.T, l *lab) string {
			return l.fails(t, world.RolledBack, "deploy", "-f", world.File(t, map[string]any{"gateway.crds": "skip"}))
		}},
		{"Policy denies CRDs", deniedCRDs},
		{"Image to build on is missing", func(t *testing.T, l *lab) string {
			return l.refused(t, failure.NotFound, l.activities.Preflight, l.input(t, map[string]any{"image.base": "docker.io/wso2/wso2is:0.0.1"}))
		}},
		{"Registry refuses pushes", func(t *testing.T, l *lab) string {
			l.faults(t, fault.Fault{Server: fault.Registry, Method: "POST", Path: "/v2/wso2is-km/blobs/uploads", Status: 403})
			defer l.faults(t)
			return l.refused(t, failure.Unauthorized, l.activities.Preflight, l.input(t, nil))
		}},
		{"Worker may not", func(t *testing.T, l *lab) string {
			return l.refused(t, failure.Unauthorized, l.activities.Preflight, l.input(t, map[string]any{"cluster.kubeconfig": l.limited(t), "gateway.chart.version": "v1.7.0"}))
		}},
		{"Artifact is another", func(t *testing.T, l *lab) string {
			return l.refused(t, failure.Refused, l.activities.BuildImage, l.input(t, map[string]any{"image.artifacts": []any{map[string]any{
				"url":    "https://maven.wso2.org/nexus/content/repositories/releases/org/wso2/km/ext/wso2is/wso2is.notification.event.handlers/2.1.3/wso2is.notification.event.handlers-2.1.3.jar",
				"sha256": "0000000000000000000000000000000000000000000000000000000000000000"}}}))
		}},
		{"Chart is another", anotherChart},
		{"API server refuses an object of a chart", func(t *testing.T, l *lab) string {
			return l.fails(t, world.RolledBack, "deploy", "-f", world.File(t, map[string]any{
				"apiManager.values.wso2.deployment.envs": []any{map[string]any{"name": "FEATURE", "value": "1"}}}))
		}},
		{"Namespace is being deleted", doomedNamespace},
		{"Release of somebody else", foreignRelease},
	}
}

// ofDeployments are what stops an operation on a deployed environment. Each leaves it deployed, but for the last.
func ofDeployments() []provocation {
	return []provocation{
		{"Product refuses the admin's password", func(t *testing.T, l *lab) string {
			defer l.replace(t, "lockstep-credentials", "adminPassword", []byte("Not-the-one-it-started-with-1"))()
			return l.fails(t, world.RolledBack, "verify", "-f", world.File(t, nil))
		}},
		{"Product presents another certificate", func(t *testing.T, l *lab) string {
			defer l.otherCA(t)()
			return l.fails(t, world.RolledBack, "verify", "-f", world.File(t, nil))
		}},
		{"Key store was replaced", func(t *testing.T, l *lab) string {
			defer l.replace(t, "apim-keystore-secret", "tls.jks", []byte("made by hand"))()
			return l.fails(t, world.RolledBack, "deploy", "-f", world.File(t, nil))
		}},
		{"Listeners' pair is refused", func(t *testing.T, l *lab) string {
			parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte("as openssl ecparam -genkey writes")})
			defer l.copied(t, "gateway-https-tls", "apim-public-tls")()
			defer l.replace(t, "apim-public-tls", "tls.key", parameters)()
			return l.fails(t, world.RolledBack, "deploy", "-f", world.File(t, map[string]any{"certificates.gatewayTLS": "apim-public-tls"}))
		}},
		{"Issuer differs", func(t *testing.T, l *lab) string {
			defer l.issuer(t, "https://km.lockstep.test:9443/oauth2/token")()
			return l.fails(t, world.RolledBack, "verify", "-f", world.File(t, nil))
		}},
		{"Helm is at work outside Lockstep", func(t *testing.T, l *lab) string {
			defer l.helmAtWork(t, "apim")()
			return l.fails(t, world.RolledBack, "deploy", "-f", world.File(t, map[string]any{"apiManager.values.wso2.deployment.startupProbe.failureThreshold": int64(400)}))
		}},
		{"Startup probe runs out", func(t *testing.T, l *lab) string {
			return l.fails(t, world.RolledBack, "deploy", "-f", world.File(t, map[string]any{
				"apiManager.values.wso2.deployment.startupProbe.failureThreshold": int64(1), "apiManager.values.wso2.deployment.startupProbe.initialDelaySeconds": int64(0)}))
		}},
		{"Product gives up its start", func(t *testing.T, l *lab) string {
			defer l.replace(t, "is-keystores", "tls.p12", []byte("made by hand"))()
			l.restartIdentityServer(t)
			return l.fails(t, world.RolledBack, "verify", "-f", world.File(t, nil))
		}},
		{"Product crashes after it was ready", crashAfterReady},
	}
}

// limited is a kubeconfig whose user may do nothing.
func (l *lab) limited(t *testing.T) string {
	t.Helper()
	access, err := clientcmd.LoadFromFile(l.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range access.AuthInfos {
		user.Impersonate = "somebody"
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*access, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func doomedNamespace(t *testing.T, l *lab) string {
	const name = "doomed"
	l.namespace(t, name, nil)
	held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/hold"}}}
	maps := l.Client(t).CoreV1().ConfigMaps(name)
	if _, err := maps.Create(t.Context(), held, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := l.Client(t).CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if held, err := maps.Get(context.Background(), "held", metav1.GetOptions{}); err == nil {
			held.Finalizers = nil
			_, _ = maps.Update(context.Background(), held, metav1.UpdateOptions{})
		}
	})
	return l.refused(t, failure.Conflict, l.activities.EnsureNamespace, activities.Scope{Environment: world.Environment, Namespace: name})
}

func foreignRelease(t *testing.T, l *lab) string {
	const name = "theirs"
	l.namespace(t, name, nil)
	l.record(t, name, map[string]any{"name": "apim", "namespace": name, "version": 3, "info": map[string]any{"status": "deployed"},
		"chart": map[string]any{"metadata": map[string]any{"name": "wso2am", "version": "4.5.0"}}}, nil)
	return l.refused(t, failure.Conflict, l.activities.Preflight, l.input(t, map[string]any{"namespace": name}))
}

// record writes a revision as Helm keeps it.
func (l *lab) record(t *testing.T, namespace string, release map[string]any, labels map[string]string) *corev1.Secret {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if err := json.NewEncoder(writer).Encode(release); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(release["version"])
	if err != nil {
		t.Fatal(err)
	}
	version := string(raw)
	all := map[string]string{"owner": "helm", "name": release["name"].(string), "status": release["info"].(map[string]any)["status"].(string), "version": version}
	for name, value := range labels {
		if _, own := all[name]; !own {
			all[name] = value
		}
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "sh.helm.release.v1." + all["name"] + ".v" + version, Labels: all}, Type: "helm.sh/release.v1",
		Data: map[string][]byte{"release": []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))}}
	made, err := l.Client(t).CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// helmAtWork is what `helm upgrade` on the command line leaves while it runs.
func (l *lab) helmAtWork(t *testing.T, name string) (undo func()) {
	t.Helper()
	secrets := l.Client(t).CoreV1().Secrets(world.Namespace)
	list, err := secrets.List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm,status=deployed,name=" + name})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d revisions, %v", len(list.Items), err)
	}
	deployed := list.Items[0]
	packed, err := base64.StdEncoding.DecodeString(string(deployed.Data["release"]))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	release := map[string]any{}
	if err := json.Unmarshal(text, &release); err != nil {
		t.Fatal(err)
	}
	release["version"] = release["version"].(float64) + 1
	info := release["info"].(map[string]any)
	info["status"], info["description"], info["last_deployed"] = "pending-upgrade", "Preparing upgrade", time.Now().UTC().Format(time.RFC3339)
	made := l.record(t, world.Namespace, release, deployed.Labels)
	return func() {
		if err := secrets.Delete(t.Context(), made.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
}

// replace gives one key of a Secret another value until undo.
func (l *lab) replace(t *testing.T, name, key string, value []byte) (undo func()) {
	t.Helper()
	secrets := l.Client(t).CoreV1().Secrets(world.Namespace)
	set := func(value []byte) (old []byte) {
		secret, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
		if err == nil {
			old = secret.Data[key]
			secret.Data[key] = value
			_, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return old
	}
	old := set(value)
	if len(old) == 0 {
		t.Fatalf("Secret %s has no %s", name, key)
	}
	return func() { set(old) }
}

// copied makes a Secret with the data of another one.
func (l *lab) copied(t *testing.T, from, to string) (undo func()) {
	t.Helper()
	secrets := l.Client(t).CoreV1().Secrets(world.Namespace)
	secret, err := secrets.Get(t.Context(), from, metav1.GetOptions{})
	if err == nil {
		secret.ObjectMeta = metav1.ObjectMeta{Name: to}
		_, err = secrets.Create(t.Context(), secret, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := secrets.Delete(t.Context(), to, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
}

// otherCA lets the environment trust another CA than the one that signed what the products present.
func (l *lab) otherCA(t *testing.T) (undo func()) {
	t.Helper()
	maps := l.Client(t).CoreV1().ConfigMaps(world.Namespace)
	set := func(text string) (old string) {
		trusted, err := maps.Get(t.Context(), keystore.CAConfigMap, metav1.GetOptions{})
		if err == nil {
			old, trusted.Data["ca.crt"] = trusted.Data["ca.crt"], text
			_, err = maps.Update(t.Context(), trusted, metav1.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return old
	}
	ca, err := l.Client(t).CoreV1().ConfigMaps(world.Namespace).Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	old := set(ca.Data["ca.crt"])
	return func() { set(old) }
}

// issuer registers the key manager with another issuer until undo.
func (l *lab) issuer(t *testing.T, issuer string) (undo func()) {
	t.Helper()
	client := l.Products(t).APIM()
	set := func(issuer string) (old string) {
		manager, err := client.FindKeyManager(t.Context(), "WSO2IS7")
		if err == nil {
			old, manager["issuer"] = manager.Issuer(), issuer
			_, err = client.UpdateKeyManager(t.Context(), manager.ID(), manager)
		}
		if err != nil {
			t.Fatal(err)
		}
		return old
	}
	old := set(issuer)
	return func() { set(old) }
}

// crashAfterReady breaks Identity Server's deployment.toml behind its back: what comes back does not start.
func crashAfterReady(t *testing.T, l *lab) string {
	maps := l.Client(t).CoreV1().ConfigMaps(world.Namespace)
	list, err := maps.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range list.Items {
		if found.Data["deployment.toml"] == "" || !strings.Contains(found.Name, "identity-server") {
			continue
		}
		found.Data["deployment.toml"] += "\n[broken\n"
		if _, err := maps.Update(t.Context(), &found, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	l.restartIdentityServer(t)
	return l.fails(t, world.RolledBack, "verify", "-f", world.File(t, nil))
}

func (l *lab) restartIdentityServer(t *testing.T) {
	t.Helper()
	pods := l.Client(t).CoreV1().Pods(world.Namespace)
	list, err := pods.List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=identity-server"})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d pods, %v", len(list.Items), err)
	}
	if err := pods.Delete(t.Context(), list.Items[0].Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// anotherChart is what a registry or a repository serves in place of the chart that the file pins.
func anotherChart(t *testing.T, l *lab) string {
	zeros := strings.Repeat("0", 64)
	inRegistry := l.refused(t, failure.InvalidConfig, l.activities.Preflight, l.input(t, map[string]any{"gateway.chart.oci": config.DefaultGatewayChart, "gateway.chart.version": "v1.7.0", "gateway.chart.digest": "sha256:" + zeros}))
	if !strings.Contains(inRegistry, "is not the one that chart.digest names") || !strings.Contains(inRegistry, zeros) {
		t.Errorf("a registry: %s", inRegistry)
	}
	return l.refused(t, failure.InvalidConfig, l.activities.Preflight, l.input(t, map[string]any{"apiManager.chart.sha256": zeros}))
}
