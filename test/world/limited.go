package world

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"lockstep/internal/cluster"
	"lockstep/internal/manifest"
)

// Limited is another name for the cluster, by an account that may do what `lockstep setup rbac` prints, and nothing else.
type Limited struct {
	// Cluster is what environments call it.
	Cluster string

	account string
	made    []cluster.Ref
	mu      sync.Mutex
	// asked counts the requests that the account made; forbidden are those that the API server refused.
	asked     int
	forbidden []string
}

// Limited makes the account and a cluster's file for it. gateway is what that file says of the gateway.
func (w *World) Limited(t testing.TB, name string, gateway map[string]any, namespaces ...string) *Limited {
	t.Helper()
	if w.WorkerImage() != "" {
		t.Skip("the worker is a pod, which does not reach the test's proxy")
	}
	l := &Limited{Cluster: name, account: "operators-" + name}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	w.writeCluster(t, name, kubeconfig, gateway)
	said := w.Expect(t, Done, "setup", "rbac", "--cluster", name, "--namespaces", strings.Join(namespaces, ","), "--account", l.account+"/worker")
	objects, err := manifest.Decode([]byte(said.Out))
	if err != nil || len(objects) < 8 {
		t.Fatalf("%v: setup rbac prints\n%s", err, said.Out)
	}
	for _, object := range objects {
		resource, err := w.Cluster.Resource(object.GroupVersionKind(), object.GetNamespace())
		if err == nil {
			_, err = resource.Create(t.Context(), object, metav1.CreateOptions{})
		}
		if apierrors.IsAlreadyExists(err) && object.GetKind() == "Namespace" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		ref := cluster.RefOf(object)
		ref.Owner = "!nobody"
		l.made = append(l.made, ref)
	}
	l.writeKubeconfig(t, w, kubeconfig)
	return l
}

// writeCluster writes a file like that of the cluster default, with another way to it.
func (w *World) writeCluster(t testing.TB, name, kubeconfig string, gateway map[string]any) {
	t.Helper()
	file, path := map[string]any{}, filepath.Join(w.Clusters, name+".yaml")
	text, err := os.ReadFile(filepath.Join(w.Clusters, "default.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	file["name"], file["kubeconfig"] = name, kubeconfig
	for field, value := range gateway {
		if err := unstructured.SetNestedField(file, value, "gateway", field); err != nil {
			t.Fatal(err)
		}
	}
	if text, err = yaml.Marshal(file); err == nil {
		err = os.WriteFile(path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path) })
}

// writeKubeconfig leads to a proxy that sees what the API server answers the account.
func (l *Limited) writeKubeconfig(t testing.TB, w *World, path string) {
	t.Helper()
	token, err := w.Client(t).CoreV1().ServiceAccounts(l.account).CreateToken(t.Context(), "worker", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := clientcmdapi.NewConfig()
	proxy := l.proxy(t, w.Config(t))
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw})
	config.Clusters["limited"] = &clientcmdapi.Cluster{Server: proxy.URL, CertificateAuthorityData: ca}
	config.AuthInfos["limited"] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["limited"] = &clientcmdapi.Context{Cluster: "limited", AuthInfo: "limited"}
	config.CurrentContext = "limited"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
}

func (l *Limited) proxy(t testing.TB, admin *rest.Config) *httptest.Server {
	t.Helper()
	anonymous := rest.AnonymousClientConfig(admin)
	anonymous.NextProtos = []string{"http/1.1"} // the other protocol has no upgrades
	transport, err := rest.TransportFor(anonymous)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(admin.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: l.saw,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewTLSServer(proxy) // without TLS kubectl's rules send no token
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

func (l *Limited) saw(r *http.Response) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if r.StatusCode != http.StatusForbidden {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, 4<<10))
	l.forbidden = append(l.forbidden, fmt.Sprintf("%s %s: %s", r.Request.Method, r.Request.URL.Path, text))
	r.Body = io.NopCloser(strings.NewReader(string(text)))
	return err
}

// WasEnough fails for every request that the API server refused the account.
func (l *Limited) WasEnough(t testing.TB) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked < 100 {
		t.Errorf("only %d requests came from the account", l.asked)
	}
	for _, refused := range l.forbidden {
		t.Errorf("%s: %s", l.Cluster, refused)
	}
}

// Remove takes the account away with all that was made for it.
func (l *Limited) Remove(t testing.TB, w *World) {
	t.Helper()
	for i := len(l.made) - 1; i >= 0; i-- {
		if err := w.Cluster.Delete(t.Context(), l.made[i]); err != nil {
			t.Error(err)
		}
	}
}
