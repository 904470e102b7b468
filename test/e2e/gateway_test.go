package e2e

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"lockstep/internal/dataplane"
	"lockstep/internal/keystore"
	"lockstep/test/world"
)

// testGatewayRelease goes from one release of the gateway to the next, at first with an Envoy that cannot start. Only the real controller
// replaces an Envoy that serves.
func testGatewayRelease(t *testing.T, w *world.World) {
	sandbox := w.TheSandbox(t, "two releases of the gateway")
	if !strings.HasPrefix(sandbox.Gateway, "real") || strings.Contains(sandbox.Gateway, "simulated") {
		t.Skipf("needs the real gateway, of two releases: it is %s", sandbox.Gateway)
	}
	w.Absent(t)
	release := func(version string, more map[string]any) string {
		changes := map[string]any{"gateway.chart.version": version}
		for path, value := range more {
			changes[path] = value
		}
		return world.File(t, changes)
	}
	w.Expect(t, world.Done, "deploy", "-f", release("v1.9.0", nil)) // so that its CRDs are there already
	w.Expect(t, world.Done, "deploy", "-f", release("v1.7.0", nil))
	wantProxies(t, w, "distroless-v1.37.0")

	said := w.Expect(t, world.RolledBack, "deploy", "-f", release("v1.9.0", map[string]any{"gateway.values.global.images.envoyProxy.image": "docker.io/envoyproxy/envoy:none"}))
	said.Says(t, "step gateway failed", "envoyproxy/envoy:none", undoneText)
	wantProxies(t, w, "distroless-v1.37.0")

	w.Expect(t, world.Done, "deploy", "-f", release("v1.9.0", nil))
	wantProxies(t, w, "distroless-v1.39.0")
	w.Absent(t)
}

// wantProxies wants every Envoy to be ready and of that image. One that ends does not count.
func wantProxies(t *testing.T, w *world.World, tag string) {
	t.Helper()
	pods, err := w.Client(t).CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: dataplane.Selector(world.Namespace, "wso2-apim-gateway")})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("%d Envoys: %v", len(pods.Items), err)
	}
	for _, pod := range pods.Items {
		if image := pod.Spec.Containers[0].Image; pod.DeletionTimestamp == nil && !strings.HasSuffix(image, tag) {
			t.Errorf("%s runs %s, with labels %s", pod.Name, image, labels.Set(pod.Labels))
		}
	}
}

// listenerTLS is the Secret of the listener for API calls.
const listenerTLS = "gateway-https-tls"

// testListenerPair gives a listener pairs that the gateway does not take, and one of somebody else's CA.
func testListenerPair(t *testing.T, w *world.World) {
	w.Deployed(t)
	secrets := w.Client(t).CoreV1().Secrets(world.Namespace)
	before, err := secrets.Get(t.Context(), listenerTLS, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	put := func(cert, key []byte) {
		t.Helper()
		now, err := secrets.Get(t.Context(), listenerTLS, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		now.Data = map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key}
		if _, err := secrets.Update(t.Context(), now, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	defer put(before.Data[corev1.TLSCertKey], before.Data[corev1.TLSPrivateKeyKey])

	stores, err := foreignStores(before.Data[corev1.TLSCertKey])
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		cert, key []byte
		says      string
	}{
		{"the key of another pair", before.Data[corev1.TLSCertKey], stores.Listeners[listenerTLS][corev1.TLSPrivateKeyKey], "does not belong to the certificate"},
		{"a valid certificate of another CA", stores.Listeners[listenerTLS][corev1.TLSCertKey], stores.Listeners[listenerTLS][corev1.TLSPrivateKeyKey], `is signed by "CN=Other CA`},
	} {
		put(test.cert, test.key)
		undone(t, w, func() world.Said { return w.Lockstep(t, "deploy", "-f", world.File(t, nil)) }).Says(t,
			"step certificates failed", "the gateway's certificate in Secret "+listenerTLS, test.says)
		w.Expect(t, world.Drifted, "drift", "-f", world.File(t, nil)).Says(t, "the gateway's certificate in Secret "+listenerTLS, test.says)
	}
}

// foreignStores are made by another CA, for the names of a certificate.
func foreignStores(certPEM []byte) (keystore.Stores, error) {
	block, _ := pem.Decode(certPEM)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return keystore.Stores{}, err
	}
	ca, err := keystore.NewCA("Other CA", cert.NotAfter.Sub(cert.NotBefore)*2)
	if err != nil {
		return keystore.Stores{}, err
	}
	names := keystore.Names{APIM: cert.DNSNames, IS: cert.DNSNames, Listeners: []keystore.ListenerNames{{Secret: listenerTLS, Names: cert.DNSNames}}}
	return keystore.Make(ca, names, cert.NotAfter.Sub(cert.NotBefore), "a password of nobody")
}
