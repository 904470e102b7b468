package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// givenPair is one that somebody may give to the listeners.
type givenPair struct {
	name      string
	cert, key []byte
	problem   string // "" if it serves
	envoy     bool   // whether Envoy refuses it, and not its controller alone
}

// givenPairs are the table of wso2-facts 22, and some more.
func givenPairs(t *testing.T, now time.Time) []givenPair {
	t.Helper()
	authority := newAuthority(t)
	rsa2048 := generated(rsa.GenerateKey(rand.Reader, 2048))
	other := generated(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	weak := generated(rsa.GenerateKey(rand.Reader, 1024))
	p224 := generated(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	p256 := generated(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := func(key crypto.Signer) []byte { return authority.sign(t, key, now.Add(-time.Hour), now.Add(time.Hour)) }
	sec1 := block("EC PRIVATE KEY", generated(x509.MarshalECPrivateKey(p256)))
	parameters := block("EC PARAMETERS", generated(asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7})))

	return []givenPair{
		{"RSA 2048, PKCS #8", leaf(rsa2048), pkcs8(rsa2048), "", false},
		{"RSA 2048, PKCS #1", leaf(rsa2048), block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsa2048)), "", false},
		{"ECDSA P-256, SEC 1", leaf(p256), sec1, "", false},
		{"ECDSA P-256, PKCS #8", leaf(p256), pkcs8(p256), "", false},
		{"Ed25519", leaf(edwards), pkcs8(edwards), "", false},
		{"leaf, then intermediate", append(leaf(p256), authority.pem...), sec1, "", false},
		{"line ends of Windows", bytes.ReplaceAll(leaf(p256), []byte("\n"), []byte("\r\n")), bytes.ReplaceAll(sec1, []byte("\n"), []byte("\r\n")), "", false},
		{"text before the blocks", append([]byte("subject: CN = me\n"), leaf(p256)...), append([]byte("a key\n"), sec1...), "", false},

		{"RSA 1024", leaf(weak), pkcs8(weak), "RSA with 1024 bits, and Envoy takes 2048 to 8192", true},
		{"ECDSA P-224", leaf(p224), pkcs8(p224), "on the curve P-224", true},
		{"intermediate before leaf", append(bytes.Clone(authority.pem), leaf(p256)...), sec1, "belongs to certificate 2 of tls.crt", true},
		{"the key of another pair", leaf(p256), pkcs8(other), "does not belong to the certificate", true},
		{"a key for RSA-PSS alone", leaf(rsa2048), pss(t, rsa2048), "RSA-PSS only", true},
		{"parameters before the key", leaf(p256), append(bytes.Clone(parameters), sec1...), "begins with a block of type EC PARAMETERS", false},
		{"an encrypted key", leaf(p256), block("ENCRYPTED PRIVATE KEY", []byte("secret")), "is encrypted", true},
		{"a key that is encrypted as long ago", leaf(p256), pem.EncodeToMemory(&pem.Block{
			Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("secret")}), "is encrypted", true},
		{"no key", leaf(p256), nil, "no PEM block", true},
		{"a certificate for a key", leaf(p256), leaf(p256), "begins with a block of type CERTIFICATE", true},
		{"a key that is cut off", leaf(p256), block("PRIVATE KEY", []byte("cut")), "cannot be read", true},
		{"a key for a certificate", sec1, sec1, "no PEM block of type CERTIFICATE", true},
		{"expired", authority.sign(t, p256, now.Add(-2*time.Hour), now.Add(-time.Hour)), sec1, "its certificate expired on", false},
		{"not valid yet", authority.sign(t, p256, now.Add(time.Hour), now.Add(2*time.Hour)), sec1, "is not valid before", false},
		{"an intermediate that has expired", append(leaf(p256), authority.sign(t, other, now.Add(-2*time.Hour), now.Add(-time.Hour))...), sec1, "certificate 2 of tls.crt (CN=listeners) expired", false},
	}
}

func TestAPairIsTakenOrRefusedAsTheGatewayDoes(t *testing.T) {
	now := time.Now()
	for _, test := range givenPairs(t, now) {
		problem, move := listenerPair(test.cert, test.key, now)
		if test.problem == "" && problem != "" || !strings.Contains(problem, test.problem) || (problem == "") != (move == "") {
			t.Errorf("%s: problem %q, move %q, want %q", test.name, problem, move, test.problem)
		}
	}
}

// The real Envoy is the judge of what it serves.
func TestTheRealEnvoyRefusesWhatTheTableSays(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what needs the programs in bin/")
	}
	programs, err := filepath.Glob("../../bin/envoy-[0-9]*")
	if err != nil || len(programs) == 0 {
		t.Skip("no Envoy in bin/: make gateway says why")
	}
	for _, program := range programs {
		for _, test := range givenPairs(t, time.Now()) {
			said, err := exec.Command(program, "--mode", "validate", "--config-yaml", listenerConfig(t, test)).CombinedOutput()
			if test.problem == "" && err != nil || test.envoy && err == nil {
				t.Errorf("%s, %s: %v\n%s", filepath.Base(program), test.name, err, said)
			}
		}
	}
}

// listenerConfig has Envoy listen with a pair.
func listenerConfig(t *testing.T, with givenPair) string {
	t.Helper()
	tls := map[string]any{
		"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
		"common_tls_context": map[string]any{"tls_certificates": []any{map[string]any{
			"certificate_chain": map[string]any{"inline_string": string(with.cert)}, "private_key": map[string]any{"inline_string": string(with.key)},
		}}},
	}
	listener := map[string]any{
		"address":       map[string]any{"socket_address": map[string]any{"address": "127.0.0.1", "port_value": 0}},
		"filter_chains": []any{map[string]any{"transport_socket": map[string]any{"name": "envoy.transport_sockets.tls", "typed_config": tls}}},
	}
	return string(generated(json.Marshal(map[string]any{"static_resources": map[string]any{"listeners": []any{listener}}})))
}

func TestAListenersCertificateOfAnotherCAIsFound(t *testing.T) {
	_, existing := testStores(t)
	foreignCA, err := NewCA("Other CA", 900*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	foreign := mustMake(t, foreignCA, testNames(), 825*24*time.Hour)
	existing.Listeners[gatewayTLS] = foreign.Listeners[gatewayTLS]

	names := testNames()
	findings := Check(names, existing, testPassword, time.Now())
	if len(findings) != 1 || !strings.Contains(findings[0].String(), `the gateway's certificate in Secret gateway-https-tls: its certificate is signed by "CN=Other CA`) {
		t.Errorf("Lockstep's own Secret: %v", findings)
	}
	names.Listeners[1].Brought = true
	if findings := Check(names, existing, testPassword, time.Now()); len(findings) != 0 {
		t.Errorf("a Secret that the environment file names: %v", findings)
	}
	names.Listeners[1].Brought = false
	existing.Public = x509.NewCertPool()
	existing.Public.AddCert(foreignCA.Chain()[0])
	if findings := Check(names, existing, testPassword, time.Now()); len(findings) != 0 {
		t.Errorf("a certificate of a public CA: %v", findings)
	}
}

// authority is an intermediate CA.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key := generated(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "intermediate"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der := generated(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return authority{cert: generated(x509.ParseCertificate(der)), key: key, pem: block("CERTIFICATE", der)}
}

func (a authority) sign(t *testing.T, key crypto.Signer, from, to time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "listeners"}, NotBefore: from, NotAfter: to}
	return block("CERTIFICATE", generated(x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)))
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(key crypto.Signer) []byte {
	return block("PRIVATE KEY", generated(x509.MarshalPKCS8PrivateKey(key)))
}

// pss is a PKCS #8 key of the algorithm id-RSASSA-PSS.
func pss(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	type algorithm struct{ Algorithm asn1.ObjectIdentifier }
	return block("PRIVATE KEY", generated(asn1.Marshal(struct {
		Version   int
		Algorithm algorithm
		Key       []byte
	}{0, algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}}, x509.MarshalPKCS1PrivateKey(key)})))
}

func generated[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}
