package activities

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/settings"
	"lockstep/internal/attempt"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/image"
	"lockstep/internal/objects"
	"lockstep/sandbox/registry"
	"lockstep/sandbox/sandboxtest"
)

// suite is a sandbox without Temporal, in which activities run one by one.
type suite struct {
	sandbox    *sandboxtest.Sandbox
	activities *Activities
	kube       kubernetes.Interface
}

func TestActivitiesAgainstARealControlPlaneAndRegistry(t *testing.T) {
	sandbox := sandboxtest.Up(t, sandboxtest.Options{Args: []string{"--no-temporal"}})
	s := &suite{sandbox: sandbox, kube: sandbox.Client(t),
		activities: New(settings.Settings{Kubeconfig: sandbox.Kubeconfig, Mirrors: sandbox.Mirrors(), CacheDir: t.TempDir()})}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"preflight finds everything in order and leaves nothing", testPreflight},
		{"preflight has the API server try what the charts make", testRefusedObjects},
		{"preflight names what the account may not", testMissingPermissions},
		{"preflight names a release of somebody else", testForeignRelease},
		{"preflight names a gateway controller of somebody else", testForeignController},
		{"preflight names every Secret and image that is not there", testMissingReferences},
		{"a namespace is made once, and goes unless somebody else is in it", testNamespace},
		{"credentials are made once", testCredentials},
		{"credentials that the user brought are checked", testUserCredentials},
		{"certificates are minted once, and checked for what the environment needs now", testCertificates},
		{"a CA that the user names must be there", testUserCA},
		{"listeners that share a certificate get their own, and back", testListeners},
		{"the CA's key lies in a namespace apart, and moves by an administrator's hand alone", testCANamespace},
		{"an image is pushed once, and taken back", testImage},
		{"a restored set is as it was", testRestore},
		{"the gateway's version is what fits the cluster, or what is installed", testGatewayVersion},
		{"a purge beside another environment leaves it whole, and the last one takes all", testTeardownBesideAnother},
		{"an undo beside another environment leaves it whole, and the last one takes all", testUndoBesideAnother},
		{"an undo takes what an environment that left had brought", testUndoAfterTheOtherLeft},
		{"CRDs that a policy of the cluster denies are told before and while they are made", testPolicedCRDs},
		{"environments that come and go at once keep what they need and leave nothing", testManyAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

// run carries out an activity as a worker would.
func run[T any](t *testing.T, s *suite, activity, input any) (result T, err error) {
	t.Helper()
	var tests testsuite.WorkflowTestSuite
	environment := tests.NewTestActivityEnvironment()
	environment.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attempt.Failures{}}})
	environment.RegisterActivity(s.activities)
	value, err := environment.ExecuteActivity(activity, input)
	if err != nil || !value.HasValue() {
		return result, err
	}
	if err := value.Get(&result); err != nil {
		t.Fatal(err)
	}
	return result, nil
}

// wants checks an activity's error.
func wants(t *testing.T, err error, kind failure.Kind, parts ...string) {
	t.Helper()
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != string(kind) || !app.NonRetryable() {
		t.Fatalf("want a final %s, got %v", kind, err)
	}
	for _, part := range parts {
		if !strings.Contains(app.Message(), part) {
			t.Errorf("%q is not said in: %s", part, app.Message())
		}
	}
}

// in is the input of an environment in a namespace of its own.
func in(namespace string) Input {
	env := quickstart()
	env.Namespace = namespace
	return Input{Scope: Scope{Environment: env.Name, Namespace: namespace, Run: "01a2-run"}, Env: env}
}

// made makes the namespace of an input.
func (s *suite) made(t *testing.T, namespace string) Input {
	t.Helper()
	input := in(namespace)
	if _, err := run[string](t, s, s.activities.EnsureNamespace, input.Scope); err != nil {
		t.Fatal(err)
	}
	return input
}

func (s *suite) secret(t *testing.T, namespace, name string, typ corev1.SecretType, labels map[string]string, data map[string][]byte) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Type: typ, Data: data}
	if _, err := s.kube.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// versions are the resource versions of a namespace's Secrets and ConfigMaps.
func (s *suite) versions(t *testing.T, namespace string) map[string]string {
	t.Helper()
	versions := map[string]string{}
	secrets, err := s.kube.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.Items {
		versions[secret.Name] = secret.ResourceVersion
	}
	configMaps, err := s.kube.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: cluster.ManagedByLabel})
	if err != nil {
		t.Fatal(err)
	}
	for _, configMap := range configMaps.Items {
		versions[configMap.Name] = configMap.ResourceVersion
	}
	return versions
}

func testPreflight(t *testing.T, s *suite) {
	found, err := run[Preflight](t, s, s.activities.Preflight, in("preflight"))
	if err != nil {
		t.Fatal(err)
	}
	if found.Kubernetes != "v1.35" || found.Summary != "Kubernetes v1.35, gateway chart v1.9.0" || !strings.HasPrefix(found.APIManagerImage, "docker.io/wso2/wso2am@sha256:") {
		t.Errorf("%+v", found)
	}
	if _, err := s.kube.CoreV1().Namespaces().Get(t.Context(), "preflight", metav1.GetOptions{}); err == nil {
		t.Error("it made the namespace")
	}
	requests, err := registry.ReadLog(registry.LogFile(s.sandbox.Dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range requests {
		if strings.Contains(r.Path, "wso2is-km") && (r.Method == http.MethodPut || r.Method == http.MethodPatch) {
			t.Errorf("it pushed: %+v", r)
		}
	}
}

// testRefusedObjects has values that a chart makes an object of that no API server takes: of a map it wants, a list.
func testRefusedObjects(t *testing.T, s *suite) {
	for _, input := range []Input{in("refused"), s.made(t, "refused-there")} {
		input.Env.APIManager.Values = config.Values{"wso2": map[string]any{"deployment": map[string]any{"envs": []any{map[string]any{"name": "FEATURE", "value": "1"}}}}}
		_, err := run[Preflight](t, s, s.activities.Preflight, input)
		wants(t, err, failure.InvalidConfig, "apiManager.values: trying Deployment "+input.Env.Namespace+"/", "cannot unmarshal", "env")
		if size := len(err.Error()); size > 2000 {
			t.Errorf("%d characters: %.3000s", size, err)
		}
	}
}

func testMissingPermissions(t *testing.T, s *suite) {
	access, err := clientcmd.LoadFromFile(s.sandbox.Kubeconfig)
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
	limited := &suite{sandbox: s.sandbox, kube: s.kube, activities: New(settings.Settings{Kubeconfig: path, Mirrors: s.sandbox.Mirrors(), CacheDir: t.TempDir()})}
	_, err = run[Preflight](t, limited, limited.activities.Preflight, in("limited"))
	says := []string{"the worker's account may not", "namespaces", "create", "limited", "get, list, create, update, patch, delete secrets in limited", "lockstep setup rbac --cluster default --namespaces limited"}
	wants(t, err, failure.Unauthorized, says...)
	open := in("limited").Env
	open.Routing.Chart.Version = "" // so that the account has to look at the gateway's release
	_, err = run[config.Environment](t, limited, limited.activities.CheckEnvironment, CheckInput{Environment: environments.Inline(open)})
	wants(t, err, failure.Unauthorized, says...)
}

func testForeignRelease(t *testing.T, s *suite) {
	input := s.made(t, "theirs")
	var record bytes.Buffer
	packed := gzip.NewWriter(&record)
	fmt.Fprintf(packed, `{"name":"apim","namespace":"theirs","version":3,"info":{"status":"deployed"},"chart":{"metadata":{"name":"wso2am","version":"4.5.0"}}}`)
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	s.secret(t, "theirs", "sh.helm.release.v1.apim.v3", "helm.sh/release.v1",
		map[string]string{"owner": "helm", "name": "apim", "status": "deployed", "version": "3"},
		map[string][]byte{"release": []byte(base64.StdEncoding.EncodeToString(record.Bytes()))})
	_, err := run[Preflight](t, s, s.activities.Preflight, input)
	wants(t, err, failure.Conflict, "theirs/apim", "wso2am 4.5.0", "was not made by Lockstep", "helm uninstall apim -n theirs")
}

func testForeignController(t *testing.T, s *suite) {
	input := in("beside")
	missing, err := run[[]string](t, s, s.activities.LookCRDs, input)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := run[any](t, s, s.activities.RemoveCRDs, RemoveCRDsInput{Input: input, Names: missing}); err != nil {
			t.Error(err)
		}
	}()
	if _, err := run[string](t, s, s.activities.ApplyCRDs, input); err != nil {
		t.Fatal(err)
	}
	site, err := s.activities.site(input.Scope.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	class := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
		"metadata": map[string]any{"name": "theirs"}, "spec": map[string]any{"controllerName": input.Env.Routing.ControllerName}}}
	if _, err := site.cluster.Apply(t.Context(), []*unstructured.Unstructured{class}); err != nil {
		t.Fatal(err)
	}
	_, err = run[Preflight](t, s, s.activities.Preflight, input)
	wants(t, err, failure.Conflict, "GatewayClass theirs", "gateway.install: false", "gateway.gatewayClass: theirs")
	if err := s.kube.Discovery().RESTClient().Delete().AbsPath("/apis/gateway.networking.k8s.io/v1/gatewayclasses/theirs").Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	if _, err := run[Preflight](t, s, s.activities.Preflight, input); err != nil {
		t.Error(err)
	}
}

func testMissingReferences(t *testing.T, s *suite) {
	input := in("references")
	input.Env.Credentials.Secret, input.Env.Certificates.CA, input.Env.Certificates.GatewayTLS = "mine", "my-ca", "my-tls"
	input.Env.APIManager.Image = "docker.io/wso2/wso2am:0.0.1"
	_, err := run[Preflight](t, s, s.activities.Preflight, input)
	wants(t, err, failure.NotFound, "credentials.secret", "references/mine", "certificates.ca", "references/my-ca", "certificates.gatewayTLS", "references/my-tls",
		"docker.io/wso2/wso2am:0.0.1", "apiManager.image")
}

func testNamespace(t *testing.T, s *suite) {
	input := in("house")
	for _, want := range []string{"made", "unchanged"} {
		if note, err := run[string](t, s, s.activities.EnsureNamespace, input.Scope); note != want || err != nil {
			t.Errorf("%s, %v; want %s", note, err, want)
		}
	}
	s.secret(t, "house", "theirs", corev1.SecretTypeOpaque, nil, nil)
	note, err := run[string](t, s, s.activities.RemoveNamespace, input)
	if err != nil || !strings.Contains(note, "left") || !strings.Contains(note, "Secret house/theirs") {
		t.Errorf("%q, %v", note, err)
	}
	before := []cluster.Snapshot{{Ref: cluster.Ref{APIVersion: "v1", Kind: "Namespace", Name: "house"}}}
	_, err = run[struct{}](t, s, s.activities.Restore, RestoreInput{Input: input, Before: before})
	wants(t, err, failure.Conflict, "Namespace house", "by hand")
	if err := s.kube.CoreV1().Secrets("house").Delete(t.Context(), "theirs", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if note, err := run[string](t, s, s.activities.RemoveNamespace, input); note != "removed" || err != nil {
		t.Errorf("%q, %v", note, err)
	}
	input.Env.Namespace = "default"
	if note, err := run[string](t, s, s.activities.RemoveNamespace, input); note != "left: Lockstep did not make it" || err != nil {
		t.Errorf("%q, %v", note, err)
	}
}

func testCredentials(t *testing.T, s *suite) {
	input := s.made(t, "credentials")
	if note, err := run[string](t, s, s.activities.EnsureCredentials, input); note != "made" || err != nil {
		t.Fatal(note, err)
	}
	made := s.versions(t, "credentials")
	if note, err := run[string](t, s, s.activities.EnsureCredentials, input); note != "unchanged" || err != nil {
		t.Error(note, err)
	}
	if diff := cmp.Diff(made, s.versions(t, "credentials")); diff != "" {
		t.Error(diff)
	}
}

func testUserCredentials(t *testing.T, s *suite) {
	input := s.made(t, "user-credentials")
	input.Env.Credentials.Secret = "mine"
	_, err := run[string](t, s, s.activities.EnsureCredentials, input)
	wants(t, err, failure.NotFound, "user-credentials/mine", "adminPassword", "isEncryptionKey")
	key := []byte(strings.Repeat("0f", 32))
	s.secret(t, "user-credentials", "mine", corev1.SecretTypeOpaque, nil, map[string][]byte{"adminPassword": []byte("Hush"), "apimEncryptionKey": key, "isEncryptionKey": key})
	_, err = run[string](t, s, s.activities.EnsureCredentials, input)
	wants(t, err, failure.InvalidConfig, "user-credentials/mine", "keystorePassword")
	if strings.Contains(err.Error(), "Hush") {
		t.Errorf("the password is shown: %v", err)
	}
	input.Env.Credentials.Secret = "short"
	s.secret(t, "user-credentials", "short", corev1.SecretTypeOpaque, nil, map[string][]byte{
		"adminPassword": []byte("Hush"), "keystorePassword": []byte("Hush-hush"), "apimEncryptionKey": []byte("abc"), "isEncryptionKey": key})
	_, err = run[string](t, s, s.activities.EnsureCredentials, input)
	wants(t, err, failure.InvalidConfig, "apimEncryptionKey", "64 hex digits", "openssl rand -hex 32")
}

func testCertificates(t *testing.T, s *suite) {
	input := s.made(t, "certificates")
	_, err := run[Certificates](t, s, s.activities.EnsureCertificates, input)
	wants(t, err, failure.NotFound, "certificates/lockstep-credentials")
	if _, err := run[string](t, s, s.activities.EnsureCredentials, input); err != nil {
		t.Fatal(err)
	}
	if made, err := run[Certificates](t, s, s.activities.EnsureCertificates, input); made.Summary != "made" || err != nil {
		t.Fatal(made, err)
	}
	first := s.versions(t, "certificates")
	if len(first) != 10 {
		t.Errorf("made %v", first)
	}
	if made, err := run[Certificates](t, s, s.activities.EnsureCertificates, input); made.Summary != "unchanged" || err != nil {
		t.Error(made, err)
	}
	if diff := cmp.Diff(first, s.versions(t, "certificates")); diff != "" {
		t.Error(diff)
	}
	input.Env.Hostnames.KeyManager = "other.lockstep.test"
	_, err = run[Certificates](t, s, s.activities.EnsureCertificates, input)
	wants(t, err, failure.InvalidConfig, "other.lockstep.test", "do not fit the environment")
}

func testUserCA(t *testing.T, s *suite) {
	input := s.made(t, "user-ca")
	if _, err := run[string](t, s, s.activities.EnsureCredentials, input); err != nil {
		t.Fatal(err)
	}
	input.Env.Certificates.CA = "my-ca"
	_, err := run[Certificates](t, s, s.activities.EnsureCertificates, input)
	wants(t, err, failure.NotFound, "user-ca/my-ca", "certificates.ca", "kubectl create secret tls my-ca")
	s.secret(t, "user-ca", "my-ca", corev1.SecretTypeTLS, nil, map[string][]byte{corev1.TLSCertKey: []byte("no"), corev1.TLSPrivateKeyKey: []byte("pem")})
	_, err = run[Certificates](t, s, s.activities.EnsureCertificates, input)
	wants(t, err, failure.InvalidConfig, "user-ca/my-ca", "cannot sign certificates")
}

func testImage(t *testing.T, s *suite) {
	input := in("image")
	input.Env.Image.Target = "registry.lockstep.test/activities/wso2is-km:test"
	before, err := run[image.State](t, s, s.activities.LookImage, input)
	if err != nil || before.Exists {
		t.Fatalf("%+v, %v", before, err)
	}
	built, err := run[Image](t, s, s.activities.BuildImage, input)
	if err != nil || !built.Pushed || built.Version != "7.2.0" || built.Home != "/home/wso2carbon/wso2is-7.2.0" {
		t.Fatalf("%+v, %v", built, err)
	}
	again, err := run[Image](t, s, s.activities.BuildImage, input)
	if err != nil || again.Pushed || again.Digest != built.Digest {
		t.Errorf("%+v, %v", again, err)
	}
	for range 2 {
		if _, err := run[struct{}](t, s, s.activities.UndoImage, UndoImageInput{Input: input, Before: before, Built: built}); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := run[image.State](t, s, s.activities.LookImage, input); err != nil || after.Exists {
		t.Errorf("%+v, %v", after, err)
	}
}

func testRestore(t *testing.T, s *suite) {
	input := s.made(t, "restored")
	snapshots, err := run[[]cluster.Snapshot](t, s, s.activities.Snapshot, SnapshotInput{Input: input, Set: objects.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	for _, activity := range []any{s.activities.EnsureCredentials, s.activities.EnsureCertificates} {
		if _, err := run[any](t, s, activity, input); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := run[struct{}](t, s, s.activities.Restore, RestoreInput{Input: input, Before: snapshots}); err != nil {
			t.Fatal(err)
		}
	}
	if left := s.versions(t, "restored"); len(left) != 1 || left["lockstep-credentials"] == "" {
		t.Errorf("left %v, want the credentials alone", left)
	}
}
