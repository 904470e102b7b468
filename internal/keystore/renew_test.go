package keystore

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"
)

func TestRenewedStoresKeepTheKeysThatSignAndEncryptAndHaveAnotherForHTTPS(t *testing.T) {
	ca, err := NewCA("test", time.Hour*24*100)
	if err != nil {
		t.Fatal(err)
	}
	names := Names{APIM: []string{"am.test"}, IS: []string{"is.test"}, Listeners: []ListenerNames{{Secret: "one", Names: []string{"gw.test"}}, {Secret: "two", Names: []string{"ws.test"}}}}
	old, err := Make(ca, names, time.Hour*24*50, "changeit1")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewCA("imported", time.Hour*24*100)
	if err != nil {
		t.Fatal(err)
	}
	foreign := other.Chain()[0]
	loaded := append(trust(ca, pairs{primary: open(t, old.APIM[PrimaryJKS])}), Trusted{Alias: "by-hand", Cert: foreign})
	if old.APIM[TruststoreJKS], err = JKSTruststore(loaded, "changeit1"); err != nil {
		t.Fatal(err)
	}
	renewed, err := Renew(ca, names, time.Hour*24*60, "changeit1", Existing{APIM: old.APIM, IS: old.IS, Listeners: map[string]map[string][]byte{"two": nil}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		old, new []byte
		keeps    bool
	}{
		{PrimaryJKS, old.APIM[PrimaryJKS], renewed.APIM[PrimaryJKS], true}, {InternalJKS, old.APIM[InternalJKS], renewed.APIM[InternalJKS], true},
		{TLSJKS, old.APIM[TLSJKS], renewed.APIM[TLSJKS], false}, {PrimaryP12, old.IS[PrimaryP12], renewed.IS[PrimaryP12], true},
		{InternalP12, old.IS[InternalP12], renewed.IS[InternalP12], true}, {TLSP12, old.IS[TLSP12], renewed.IS[TLSP12], false},
	} {
		before, after := open(t, c.old).Leaf(), open(t, c.new).Leaf()
		same := bytes.Equal(before.RawSubjectPublicKeyInfo, after.RawSubjectPublicKeyInfo)
		if same != c.keeps || before.SerialNumber.Cmp(after.SerialNumber) == 0 || !after.NotAfter.After(before.NotAfter) {
			t.Errorf("%s: same key %v, ends %s after %s", c.name, same, after.NotAfter, before.NotAfter)
		}
	}
	for _, finding := range Check(names, Existing{APIM: renewed.APIM, IS: renewed.IS, CA: ca.CertPEM(), Listeners: renewed.Listeners}, "changeit1", time.Now()) {
		t.Error(finding)
	}
	if _, unasked := renewed.Listeners["one"]; unasked || len(renewed.Listeners["two"]) == 0 {
		t.Errorf("of the second listener alone, %d were renewed", len(renewed.Listeners))
	}
	trusted, err := openTrust(renewed.APIM[TruststoreJKS], "changeit1")
	if err != nil {
		t.Fatal(err)
	}
	if !contains(trusted, foreign) || contains(trusted, open(t, old.APIM[PrimaryJKS]).Leaf()) {
		t.Error("what somebody imported is lost, or what was replaced is still trusted")
	}
}

func open(t *testing.T, store []byte) *Pair {
	t.Helper()
	pair, err := openKey(store, Alias, "changeit1")
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func contains(all []*x509.Certificate, one *x509.Certificate) bool {
	for _, cert := range all {
		if cert.Equal(one) {
			return true
		}
	}
	return false
}
