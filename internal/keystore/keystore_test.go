package keystore

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockstep/config"
)

const testPassword = "s3cret-store"

func testNames() Names {
	return NamesFor(config.Environment{
		Namespace: "apim",
		Hostnames: config.Hostnames{
			Management: "am.wso2.com", Gateway: "gw.wso2.com", WebSocket: "websocket.wso2.com",
			WebSub: "websub.wso2.com", KeyManager: "km.wso2.com",
		},
		Certificates: config.Certificates{ExtraDNSNames: []string{"extra.example.com"}},
	}, "apim-wso2am-all-in-one-am-service", "is-identity-server")
}

// testStores gives a CA and fresh stores of it; making keys takes a second, so all tests share them.
func testStores(t *testing.T) (*CA, Existing) {
	t.Helper()
	made, err := fixture()
	if err != nil {
		t.Fatal(err)
	}
	return made.ca, clone(made.existing)
}

type madeOnce struct {
	ca       *CA
	existing Existing
}

var fixture = sync.OnceValues(func() (madeOnce, error) {
	ca, err := NewCA("Test CA", 10*365*24*time.Hour, testNames().Permitted()...) // as deployments make it, for all that these stores are tried with
	if err != nil {
		return madeOnce{}, err
	}
	stores, err := Make(ca, testNames(), 825*24*time.Hour, testPassword)
	return madeOnce{ca, present(ca, stores)}, err
})

func present(ca *CA, stores Stores) Existing {
	return Existing{APIM: stores.APIM, IS: stores.IS, CA: ca.CertPEM(),
		Listeners: stores.Listeners}
}

func mustMake(t *testing.T, ca *CA, names Names, validity time.Duration) Existing {
	t.Helper()
	stores, err := Make(ca, names, validity, testPassword)
	if err != nil {
		t.Fatal(err)
	}
	return present(ca, stores)
}

func TestNamesCoverServicesHostnamesAndLocalhost(t *testing.T) {
	want := Names{
		APIM: []string{
			"apim-wso2am-all-in-one-am-service", "apim-wso2am-all-in-one-am-service.apim",
			"apim-wso2am-all-in-one-am-service.apim.svc", "apim-wso2am-all-in-one-am-service.apim.svc.cluster.local",
			"apim-wso2am-all-in-one-am-service-1", "apim-wso2am-all-in-one-am-service-1.apim",
			"apim-wso2am-all-in-one-am-service-1.apim.svc", "apim-wso2am-all-in-one-am-service-1.apim.svc.cluster.local",
			"apim-wso2am-all-in-one-am-service-2", "apim-wso2am-all-in-one-am-service-2.apim",
			"apim-wso2am-all-in-one-am-service-2.apim.svc", "apim-wso2am-all-in-one-am-service-2.apim.svc.cluster.local",
			"am.wso2.com", "gw.wso2.com", "websocket.wso2.com", "websub.wso2.com", "localhost", "extra.example.com",
		},
		IS: []string{
			"is-identity-server", "is-identity-server.apim", "is-identity-server.apim.svc",
			"is-identity-server.apim.svc.cluster.local", "km.wso2.com", "localhost", "extra.example.com",
		},
		Listeners: []ListenerNames{
			{Secret: "control-plane-https-tls", Names: []string{"am.wso2.com"}}, {Secret: "gateway-https-tls", Names: []string{"gw.wso2.com"}},
			{Secret: "websocket-https-tls", Names: []string{"websocket.wso2.com"}}, {Secret: "websub-https-tls", Names: []string{"websub.wso2.com"}},
			{Secret: "keymanager-https-tls", Names: []string{"km.wso2.com"}},
		},
		Namespace: "apim",
	}
	if diff := cmp.Diff(want, testNames()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestStoresOfOneReplicaServeTwo(t *testing.T) {
	names := func(replicas int) Names {
		return NamesFor(config.Environment{Namespace: "n", APIManager: config.Product{Replicas: replicas}}, "am", "is")
	}
	if diff := cmp.Diff(names(1), names(2)); diff != "" {
		t.Errorf("names (-one +two):\n%s", diff)
	}
}

func TestFreshStoresHaveNothingWrong(t *testing.T) {
	_, existing := testStores(t)
	if diff := cmp.Diff([]Finding(nil), Check(testNames(), existing, testPassword, time.Now())); diff != "" {
		t.Error(diff)
	}
}

func TestACAReadsBackAndSigns(t *testing.T) {
	made, err := NewCA("Test CA", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	key, err := made.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	ca, err := ParseCA(made.CertPEM(), key)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(Leaf{CommonName: strings.Repeat("x", 100), DNSNames: []string{"a.example"}, Validity: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.Leaf().CheckSignatureFrom(made.Chain()[0]); err != nil {
		t.Error(err)
	}
	if pair.Leaf().NotAfter.After(made.Chain()[0].NotAfter) {
		t.Error("the leaf outlives its CA")
	}
	if n := len(pair.Leaf().Subject.CommonName); n != 64 {
		t.Errorf("common name of %d characters, want 64", n)
	}
}

func TestALeafIsNoCA(t *testing.T) {
	ca, _ := testStores(t)
	pair, err := ca.Issue(Leaf{CommonName: "leaf", Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	key, err := pair.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	_, err = ParseCA(pair.CertPEM(), key)
	if err == nil || !strings.Contains(err.Error(), "BasicConstraints CA:true") {
		t.Errorf("got %v", err)
	}
}

func TestTruststoresOfTheSameCertificatesAreTheSameInJKS(t *testing.T) {
	first, err := JKSTruststore(trustPublic(), testPassword)
	if err != nil {
		t.Fatal(err)
	}
	second, err := JKSTruststore(trustPublic(), testPassword)
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(first, second) {
		t.Error("two runs differ")
	}
}

func TestPublicRootsHaveDistinctAliases(t *testing.T) {
	entries := trustPublic()
	if len(entries) < 80 {
		t.Errorf("only %d public CAs", len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if seen[e.Alias] {
			t.Errorf("alias %s twice", e.Alias)
		}
		seen[e.Alias] = true
	}
}
