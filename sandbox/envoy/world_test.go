package envoy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"lockstep/sandbox/envoy/certgen"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// basics is a Gateway with one listener for one route to one Service that a BackendTLSPolicy secures, all in order.
// Tests change it by replacing text.
const basics = `
kind: GatewayClass
metadata: {name: envoy-gateway, generation: 1}
spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
---
kind: Gateway
metadata: {name: gw, namespace: apim, generation: 3}
spec:
  gatewayClassName: envoy-gateway
  listeners:
  - {name: keymanager-https, hostname: km.example.com, port: 443, protocol: HTTPS, tls: {mode: Terminate, certificateRefs: [{name: gateway-tls}]}, allowedRoutes: {namespaces: {from: Same}}}
  - {name: gateway-https, hostname: gw.example.com, port: 443, protocol: HTTPS, tls: {mode: Terminate, certificateRefs: [{name: gateway-tls}]}, allowedRoutes: {namespaces: {from: Same}}}
---
kind: Service
metadata: {name: is, namespace: apim}
spec: {ports: [{name: servlet-https, port: 9443}]}
---
kind: HTTPRoute
metadata: {name: is-httproute, namespace: apim, generation: 5}
spec:
  parentRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw, sectionName: keymanager-https}]
  hostnames: [km.example.com]
  rules: [{matches: [{path: {type: PathPrefix, value: /}}], backendRefs: [{kind: Service, name: is, port: 9443}]}]
---
kind: BackendTLSPolicy
metadata: {name: is-policy, namespace: apim, generation: 7}
spec:
  targetRefs: [{group: "", kind: Service, name: is}]
  validation: {hostname: is.apim.svc, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
---
kind: BackendTrafficPolicy
metadata: {name: sticky, namespace: apim, generation: 2}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: is-httproute}]
---
kind: Service
metadata: {name: envoy-apim-gw-87cd973d, namespace: eg, labels: {app.kubernetes.io/managed-by: envoy-gateway, gateway.envoyproxy.io/owning-gateway-name: gw}}
spec: {type: LoadBalancer, clusterIPs: [10.9.0.7]}
status: {loadBalancer: {ingress: [{ip: 10.9.255.1}]}}
---
kind: Deployment
metadata: {name: envoy-apim-gw-87cd973d, namespace: eg}
status: {replicas: 1, availableReplicas: 1}
`

// build makes a world of YAML documents, with the certificate and CA that basics names unless without has them.
func build(t *testing.T, documents string, ca testCA) *world {
	t.Helper()
	w := &world{namespace: "eg", controller: DefaultController, pairs: newPairs()}
	for _, document := range strings.Split(documents, "\n---\n") {
		var kind struct{ Kind string }
		decode(t, document, &kind)
		switch kind.Kind {
		case "GatewayClass":
			w.classes = append(w.classes, decoded[gatewayClass](t, document))
		case "Gateway":
			w.gateways = append(w.gateways, decoded[gateway](t, document))
		case "HTTPRoute":
			w.routes = append(w.routes, decoded[httpRoute](t, document))
		case "BackendTLSPolicy":
			w.tlsPolicies = append(w.tlsPolicies, decoded[policy](t, document))
		case "BackendTrafficPolicy":
			w.trafficPolicies = append(w.trafficPolicies, decoded[policy](t, document))
		case "EnvoyProxy":
			w.proxies = append(w.proxies, decoded[envoyProxy](t, document))
		case "Service":
			w.services = append(w.services, decoded[corev1.Service](t, document))
		case "Deployment":
			w.deployments = append(w.deployments, decoded[appsv1.Deployment](t, document))
		case "Node":
			w.nodes = append(w.nodes, decoded[corev1.Node](t, document))
		default:
			t.Fatalf("no kind %q in this test", kind.Kind)
		}
	}
	w.secrets = []corev1.Secret{ca.secret(t, "apim", "gateway-tls", "km.example.com", "gw.example.com")}
	w.configMaps = []corev1.ConfigMap{ca.configMap("apim", "ca")}
	return w
}

func decoded[T any](t *testing.T, document string) T {
	t.Helper()
	var object T
	decode(t, document, &object)
	return object
}

func decode(t *testing.T, document string, into any) {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
}

// testCA signs certificates for tests.
type testCA struct{ authority *certgen.Authority }

func newTestCA(t *testing.T) testCA {
	t.Helper()
	made, err := certgen.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return testCA{made}
}

func (ca testCA) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.authority.Certificate.Raw}))
}

func (ca testCA) configMap(namespace, name string) corev1.ConfigMap {
	config := corev1.ConfigMap{Data: map[string]string{"ca.crt": ca.pem()}}
	config.Namespace, config.Name = namespace, name
	return config
}

// secret is a TLS Secret for names.
func (ca testCA) secret(t *testing.T, namespace, name string, names ...string) corev1.Secret {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, ca.authority.Certificate, key.Public(), ca.authority.Key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	secret := corev1.Secret{Type: corev1.SecretTypeTLS, Data: map[string][]byte{
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}}
	secret.Namespace, secret.Name = namespace, name
	return secret
}
