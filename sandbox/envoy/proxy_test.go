package envoy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// rig is a proxy between a client and a TLS backend.
type rig struct {
	proxy   *proxy
	address string
	client  *http.Client
	ca      testCA
}

// newRig starts a backend whose certificate is for backendName, and a proxy that serves w.
func newRig(t *testing.T, ca testCA, w *world, backendName string) *rig {
	t.Helper()
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			upgrade(w)
			return
		}
		fmt.Fprintf(w, "%s %s%s by %s", r.Method, r.Host, r.URL.Path, r.Header.Get("X-Forwarded-Proto"))
	}))
	secret := ca.secret(t, "", "", backendName)
	pair, err := newPairs().of(&secret)
	if err != nil {
		t.Fatal(err)
	}
	backend.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	backend.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	backend.StartTLS()
	t.Cleanup(backend.Close)

	made := &rig{ca: ca}
	var dialer net.Dialer
	made.proxy = newProxy(func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "is.apim.svc.cluster.local:9443" {
			return nil, fmt.Errorf("dialled %s", address)
		}
		return dialer.DialContext(ctx, network, backend.Listener.Addr().String())
	}, slog.New(slog.DiscardHandler))
	t.Cleanup(made.proxy.close)
	made.update(t, w)

	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca.pem()))
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, made.address)
		},
	}
	made.client = &http.Client{Transport: transport}
	return made
}

func (r *rig) update(t *testing.T, w *world) {
	t.Helper()
	err := r.proxy.update(w, "apim", "gw", func(port int) (net.Listener, error) {
		if port != 10443 {
			t.Errorf("listens on %d", port)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			r.address = listener.Addr().String()
		}
		return listener, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := r.client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestTheProxyReachesBackendsThatAreWhatThePolicySays(t *testing.T) {
	ca, other := newTestCA(t), newTestCA(t)
	for name, test := range map[string]struct {
		spoil   func(*world)
		backend string
		path    string
		status  int
		body    string
	}{
		"verified":          {func(*world) {}, "is.apim.svc", "/oauth2/token", 200, "GET km.example.com/oauth2/token by https"},
		"another name":      {func(*world) {}, "localhost", "/", 503, "verify SAN list"},
		"another CA":        {func(w *world) { w.configMaps[0] = other.configMap("apim", "ca") }, "is.apim.svc", "/", 503, "verify cert failed"},
		"no CA":             {func(w *world) { w.configMaps = nil }, "is.apim.svc", "/", 500, ""},
		"no policy":         {func(w *world) { w.tlsPolicies = nil }, "is.apim.svc", "/", 400, "HTTP request to an HTTPS server"},
		"no such Service":   {func(w *world) { w.services = nil }, "is.apim.svc", "/", 500, ""},
		"no route takes it": {func(w *world) { w.routes = nil }, "is.apim.svc", "/", 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, basics, ca)
			test.spoil(w)
			status, body := newRig(t, ca, w, test.backend).get(t, "https://km.example.com"+test.path)
			if status != test.status || !strings.Contains(body, test.body) {
				t.Errorf("got %d %q, want %d %q", status, body, test.status, test.body)
			}
		})
	}
}

func TestTheProxyTakesANewCertificateWithoutARestart(t *testing.T) {
	ca := newTestCA(t)
	w := build(t, basics, ca)
	r := newRig(t, ca, w, "is.apim.svc")
	first := r.serial(t, "km.example.com")

	renewed := build(t, basics, ca)
	renewed.secrets = []corev1.Secret{ca.secret(t, "apim", "gateway-tls", "km.example.com")}
	r.update(t, renewed)
	if second := r.serial(t, "km.example.com"); second == first {
		t.Error("the old certificate is still served")
	}
}

func (r *rig) serial(t *testing.T, name string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", r.address, &tls.Config{ServerName: name, RootCAs: r.client.Transport.(*http.Transport).TLSClientConfig.RootCAs})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// Envoy Gateway does so, too.
func TestListenersThatShareACertificateSpeakNoHTTP2(t *testing.T) {
	ca := newTestCA(t)
	w := build(t, basics, ca)
	r := newRig(t, ca, w, "is.apim.svc")
	protocol := func() string {
		t.Helper()
		config := r.client.Transport.(*http.Transport).TLSClientConfig.Clone()
		config.ServerName, config.NextProtos = "km.example.com", []string{"h2", "http/1.1"}
		c, err := tls.Dial("tcp", r.address, config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().NegotiatedProtocol
	}
	if got := protocol(); got != "http/1.1" {
		t.Errorf("with one certificate for both it speaks %q", got)
	}
	w.secrets = []corev1.Secret{ca.secret(t, "apim", "gateway-tls", "km.example.com")}
	r.update(t, w)
	if got := protocol(); got != "h2" {
		t.Errorf("with a certificate of its own it speaks %q", got)
	}
}

func TestAServerNameWithoutListenerIsRefused(t *testing.T) {
	ca := newTestCA(t)
	r := newRig(t, ca, build(t, basics, ca), "is.apim.svc")
	if _, err := r.client.Get("https://other.example.com/"); err == nil {
		t.Error("the connection was accepted")
	}
}

func TestTheProxyPassesUpgradesOn(t *testing.T) {
	ca := newTestCA(t)
	r := newRig(t, ca, build(t, basics, ca), "is.apim.svc")
	conn, err := tls.Dial("tcp", r.address, &tls.Config{ServerName: "km.example.com", RootCAs: r.client.Transport.(*http.Transport).TLSClientConfig.RootCAs})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: km.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %s", response.Status)
	}
	fmt.Fprintln(conn, "hello")
	if line, err := reader.ReadString('\n'); err != nil || line != "hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

// upgrade switches protocols and echoes one line.
func upgrade(w http.ResponseWriter) {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "websocket")
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if line, err := stream.ReadString('\n'); err == nil {
		_, _ = io.WriteString(conn, line)
	}
}

func TestTheProxyKnowsItsGatewayByItsArguments(t *testing.T) {
	namespace, name, err := serves([]string{"envoy", "--service-cluster", "apim/gw", "--service-node", "x"})
	if err != nil || namespace != "apim" || name != "gw" {
		t.Errorf("%s/%s, %v", namespace, name, err)
	}
	for _, args := range [][]string{nil, {"--service-cluster"}, {"--service-cluster", "gw"}} {
		if _, _, err := serves(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
