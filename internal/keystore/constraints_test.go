package keystore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/config"
	"lockstep/internal/failure"
	"lockstep/sandbox/process"
)

func TestTheCAOfAnEnvironmentMaySignForItsNamesAlone(t *testing.T) {
	ca, _ := testStores(t)
	root := ca.chain[0]
	if !root.PermittedDNSDomainsCritical || len(root.PermittedDNSDomains) == 0 {
		t.Fatalf("it may sign for all: %v", root.PermittedDNSDomains)
	}
	for _, name := range slices.Concat(testNames().APIM, testNames().IS, testNames().Listeners[0].Names) {
		if _, err := ca.Issue(Leaf{CommonName: "own", DNSNames: []string{name}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Validity: time.Hour}); err != nil {
			t.Errorf("of its own name %s: %v", name, err)
		}
	}
	for _, name := range []string{"www.example.com", "wso2.com", "am.wso2.com.example.com", "xlocalhost", "kubernetes.default.svc", "cluster.local"} {
		_, err := ca.Issue(Leaf{CommonName: "other", DNSNames: []string{name}, Validity: time.Hour})
		if !failure.Is(err, failure.InvalidConfig) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "certificates.ca") {
			t.Errorf("of %s: %v", name, err)
		}
	}
}

func TestNamesThatAreBelowOthersAreNotPermittedTwice(t *testing.T) {
	names := Names{APIM: []string{"s", "s.ns", "s.ns.svc", "s.ns.svc.cluster.local", "am.example.com", "*.wild.example.com"}, Listeners: []ListenerNames{{Names: []string{"am.example.com"}}}, Namespace: "ns"}
	if got := strings.Join(names.Permitted(), " "); got != "s s.ns am.example.com wild.example.com ns.svc ns.svc.cluster.local" {
		t.Error(got)
	}
}

// TestANamespaceIsNoPublicDomain has an environment in a namespace that has the name of one.
func TestANamespaceIsNoPublicDomain(t *testing.T) {
	names := NamesFor(config.Environment{Namespace: "dev", Hostnames: config.Hostnames{Management: "am.wso2.com"}}, "apim-service", "is-service")
	ca, err := NewCA("Test CA", time.Hour, names.Permitted()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bank.dev", "dev", "www.bank.dev"} {
		if _, err := ca.Issue(Leaf{CommonName: "other", DNSNames: []string{name}, Validity: time.Hour}); !failure.Is(err, failure.InvalidConfig) {
			t.Errorf("of %s: %v", name, err)
		}
	}
	for _, own := range [][]string{names.APIM, names.IS, {"later.dev.svc", "later.dev.svc.cluster.local"}} {
		if _, err := ca.Issue(Leaf{CommonName: "own", DNSNames: own, Validity: time.Hour}); err != nil {
			t.Errorf("of its own %v: %v", own, err)
		}
	}
}

// TestNamesAreCheckedUnderACAThatEndsEarly has the one that limits the names end before the leaf does.
func TestNamesAreCheckedUnderACAThatEndsEarly(t *testing.T) {
	root, err := NewCA("Root", time.Hour, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	between, err := newTemplate("Between", 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	between.BasicConstraintsValid, between.IsCA = true, true
	limits := *root.chain[0]
	limits.MaxPathLen, limits.MaxPathLenZero = -1, false
	key := root.key
	top, err := sign(&limits, &limits, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := sign(between, top, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca := &CA{chain: []*x509.Certificate{cert, top}, key: key}
	for name, wanted := range map[string]bool{"am.example.com": true, "am.example.org": false} {
		if _, err := ca.Issue(Leaf{CommonName: "leaf", DNSNames: []string{name}, Validity: 12 * time.Hour}); (err == nil) != wanted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stolen is a certificate that somebody who has the CA's key signs, for a name that the CA may not sign for.
func stolen(t *testing.T, ca *CA, name string) tls.Certificate {
	t.Helper()
	free := &CA{chain: []*x509.Certificate{{Subject: ca.chain[0].Subject, RawSubject: ca.chain[0].RawSubject, SubjectKeyId: ca.chain[0].SubjectKeyId,
		NotAfter: ca.chain[0].NotAfter, PublicKey: ca.chain[0].PublicKey}}, key: ca.key}
	template, err := newTemplate(name, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	template.DNSNames, template.ExtKeyUsage = []string{name}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	own, err := NewCA("a key", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := sign(template, free.chain[0], own.key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw, ca.chain[0].Raw}, PrivateKey: own.key}
}

// TestEnvoyKeepsToTheNamesOfTheCA has the real Envoy call a server with the certificate of API Manager, which has an address too, and one whose
// certificate a thief of the CA's key made.
func TestEnvoyKeepsToTheNamesOfTheCA(t *testing.T) {
	ca, existing := testStores(t)
	pair, err := openKey(existing.APIM[TLSJKS], Alias, testPassword)
	if err != nil {
		t.Fatal(err)
	}
	if len(pair.Leaf().IPAddresses) == 0 {
		t.Error("it has no address")
	}
	const other = "www.example.com"
	own := tls.Certificate{Certificate: [][]byte{pair.Leaf().Raw, ca.chain[0].Raw}, PrivateKey: pair.Key}
	for _, version := range []string{"1.37", "1.39"} {
		envoy, err := filepath.Abs(filepath.Join("..", "..", "bin", "envoy-"+version))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(envoy); err != nil {
			t.Skipf("no Envoy %s here: `make gateway`", version)
		}
		if status := throughEnvoy(t, envoy, ca, own, "localhost"); status != http.StatusOK {
			t.Errorf("Envoy %s does not take API Manager's own certificate: %d", version, status)
		}
		if status := throughEnvoy(t, envoy, ca, stolen(t, ca, other), other); status != http.StatusServiceUnavailable {
			t.Errorf("Envoy %s takes a certificate for a name that the CA may not sign for: %d", version, status)
		}
	}
}

// throughEnvoy is the status of a request that Envoy passes on to a server with that certificate, by that name.
func throughEnvoy(t *testing.T, program string, ca *CA, cert tls.Certificate, name string) int {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	socket, trust := filepath.Join(dir, "s"), filepath.Join(dir, "ca.crt")
	settings := fmt.Sprintf(envoyConfig, socket, port, trust, name, name)
	for file, text := range map[string]string{"envoy.yaml": settings, "ca.crt": string(ca.CertPEM())} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "-c", filepath.Join(dir, "envoy.yaml"), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warn")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := process.StartChild(cmd); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	for range 300 { // until it listens
		response, err := client.Get("http://envoy/")
		if err == nil {
			text, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Logf("Envoy says %s", text)
			}
			return response.StatusCode
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("Envoy does not listen:\n%s", &log)
	return 0
}

const envoyConfig = `
static_resources:
  listeners:
  - address: {pipe: {path: %q}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: product}}]}]}
          http_filters: [{name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
  clusters:
  - name: product
    load_assignment: {cluster_name: product, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %s}}}}]}]}
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        common_tls_context:
          validation_context: {trusted_ca: {filename: %q}, match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: %s}}]}
        sni: %s
`
