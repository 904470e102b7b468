package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/gateway"
	"lockstep/internal/keystore"
	"lockstep/internal/objects"
	"lockstep/test/world"
)

// testListenerCertificates has every listener offer HTTP/2 by a certificate of its own. An environment of an earlier version, with one
// certificate for all, gets there by a deployment, and back by its undo.
func testListenerCertificates(t *testing.T, w *world.World) {
	w.Deployed(t)
	wantProtocols(t, w)
	shareCertificate(t, w)
	w.Expect(t, world.Drifted, "drift", "-f", world.File(t, nil)).Says(t, "Secret apim/"+listenerTLS)
	unpublished(t, w)
	undone(t, w, func() world.Said { return w.Lockstep(t, "deploy", "-f", world.File(t, nil)) }).Says(t, "step verify failed")
	w.Fault(t)
	w.Deployed(t)
	if _, left, err := w.Cluster.Secret(t.Context(), world.Namespace, config.FormerListenerSecret); err != nil || left {
		t.Errorf("the former certificate is left: %v, %v", left, err)
	}
	w.Expect(t, world.Done, "drift", "-f", world.File(t, nil))
	wantProtocols(t, w)
}

func wantProtocols(t *testing.T, w *world.World) {
	t.Helper()
	for _, l := range environment(t).Listeners() {
		c := handshake(t, w, l.Hostname, "h2", "http/1.1")
		if got := c.ConnectionState().NegotiatedProtocol; got != "h2" {
			t.Errorf("listener %s speaks %q", l.Name, got)
		}
		if names := c.ConnectionState().PeerCertificates[0].DNSNames; len(names) != 1 || names[0] != l.Hostname {
			t.Errorf("listener %s presents a certificate for %v", l.Name, names)
		}
		_ = c.Close()
	}
	if w.Sandbox() != nil { // what answers anything at /echo is its API Manager
		upgrade(t, w, environment(t).Hostnames.WebSocket)
	}
}

// environment is the one of [world.File].
func environment(t *testing.T) (env config.Environment) {
	t.Helper()
	text, err := os.ReadFile(world.File(t, nil))
	if err == nil {
		err = yaml.Unmarshal(text, &env)
	}
	if err != nil {
		t.Fatal(err)
	}
	env.Default()
	return env
}

// upgrade opens a WebSocket, which takes HTTP/1.1.
func upgrade(t *testing.T, w *world.World, hostname string) {
	t.Helper()
	c := handshake(t, w, hostname, "http/1.1")
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, err := fmt.Fprintf(c, "GET /echo HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
		hostname, "dGhlIHNhbXBsZSBub25jZQ==")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("a WebSocket is answered %s, %v", answer.Status, answer.Header)
	}
}

// handshake connects to a hostname through the gateway, which may still be getting its listeners.
func handshake(t *testing.T, w *world.World, hostname string, protocols ...string) *tls.Conn {
	t.Helper()
	ca, _, err := w.Cluster.ConfigMap(t.Context(), world.Namespace, keystore.CAConfigMap)
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM([]byte(ca[keystore.CAKey]))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dial := w.Dialer.Gateway(world.Namespace, "wso2-apim-gateway", "envoy-gateway-system")
	plain, err := dial(ctx, "tcp", hostname+":443")
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(plain, &tls.Config{RootCAs: trust, ServerName: hostname, NextProtos: protocols, MinVersion: tls.VersionTLS12})
	if err := c.HandshakeContext(ctx); err != nil {
		t.Fatalf("%s: %v", hostname, err)
	}
	return c
}

// shareCertificate makes the environment what earlier versions of Lockstep deployed.
func shareCertificate(t *testing.T, w *world.World) {
	t.Helper()
	env := environment(t)
	pair, _, err := w.Cluster.Secret(t.Context(), world.Namespace, env.CASecret())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := keystore.ParseCA(pair[corev1.TLSCertKey], pair[corev1.TLSPrivateKeyKey])
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(keystore.Leaf{CommonName: "Gateway", DNSNames: env.Hostnames.All(), Validity: 825 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	key, err := leaf.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	data := map[string][]byte{corev1.TLSCertKey: leaf.CertPEM(), corev1.TLSPrivateKeyKey: key}
	if _, err := w.Cluster.CreateSecret(t.Context(), world.Namespace, config.FormerListenerSecret, corev1.SecretTypeTLS, cluster.Labels(env.Name), data); err != nil {
		t.Fatal(err)
	}
	live, _, err := w.Cluster.Get(t.Context(), gateway.Ref(env))
	if err != nil || !gateway.Share(env, live) {
		t.Fatal(err)
	}
	gateways := w.Cluster.Dynamic().Resource(schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"})
	if _, err := gateways.Namespace(world.Namespace).Update(t.Context(), live, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, secret := range env.ListenerSecrets() {
		if err := w.Cluster.Delete(t.Context(), objects.Secret(env, secret)); err != nil {
			t.Fatal(err)
		}
	}
}
