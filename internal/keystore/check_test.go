package keystore

import (
	"maps"
	"strings"
	"testing"
	"time"
)

// gatewayTLS is the Secret of the listener for API calls.
const gatewayTLS = "gateway-https-tls"

func TestCheckNamesWhatIsWrongAndWhatToDo(t *testing.T) {
	ca, good := testStores(t)
	foreignCA, err := NewCA("Other CA", 900*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	foreign := mustMake(t, foreignCA, testNames(), 825*24*time.Hour)
	short := testNames()
	short.APIM, short.Listeners[1].Names = short.APIM[:3], []string{"am.wso2.com"}
	few := mustMake(t, ca, short, 825*24*time.Hour)

	tests := map[string]struct {
		change   func(*Existing)
		password string
		after    time.Duration
		want     []string // one per finding, in order
	}{
		"a missing file":       {change: func(e *Existing) { delete(e.APIM, InternalJKS) }, want: []string{"apim-keystore-secret/internal.jks: missing; add the key internal.jks"}},
		"a missing truststore": {change: func(e *Existing) { delete(e.IS, TruststoreP12) }, want: []string{"is-keystores/client-truststore.p12: missing"}},
		"a name missing": {change: func(e *Existing) { e.APIM[TLSJKS] = few.APIM[TLSJKS] },
			want: []string{"apim-keystore-secret/tls.jks: its certificate lacks the names apim-wso2am-all-in-one-am-service.apim.svc.cluster.local, "}},
		"a public name missing": {change: func(e *Existing) { e.Listeners[gatewayTLS] = few.Listeners[gatewayTLS] },
			want: []string{"the gateway's certificate in Secret gateway-https-tls: its certificate lacks the names gw.wso2.com;"}},
		"a key of another certificate": {change: func(e *Existing) { e.Listeners[gatewayTLS]["tls.key"] = few.Listeners[gatewayTLS]["tls.key"] }, want: []string{"the key in tls.key does not belong to the certificate in tls.crt"}},
		"another CA's certificate": {change: func(e *Existing) { e.IS[TLSP12] = foreign.IS[TLSP12] }, want: []string{
			"apim-keystore-secret/client-truststore.jks: does not trust the certificate of Identity Server",
			"is-keystores/client-truststore.p12: does not trust the certificate of Identity Server",
			"is-keystores/tls.p12: its certificate is not signed by the environment's CA"}},
		"rubbish in place of a store": {change: func(e *Existing) { e.IS[InternalP12] = []byte("rubbish") }, want: []string{"is-keystores/internal.p12: cannot be read"}},
		"no certificate in the CA":    {change: func(e *Existing) { e.CA = []byte("rubbish") }, want: []string{"the environment's CA: reading certificates: no PEM block"}},
		"a wrong password": {password: "other", want: []string{
			"tls.jks: does not open with the keystore password", "primary.jks: does not", "internal.jks: does not", "truststore.jks: does not",
			"tls.p12: does not open with the keystore password", "primary.p12: does not", "internal.p12: does not", "truststore.p12: does not"}},
		"all but the CA expired": {after: 826 * 24 * time.Hour, want: []string{"tls.jks: its certificate expired on", "primary.jks",
			"internal.jks", "tls.p12", "primary.p12", "internal.p12", "Secret control-plane-https-tls", "Secret gateway-https-tls", "Secret websocket-https-tls",
			"Secret websub-https-tls", "Secret keymanager-https-tls"}},
		"nothing there yet": {change: func(e *Existing) { *e = Existing{} }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			existing := clone(good)
			if tt.change != nil {
				tt.change(&existing)
			}
			password := testPassword
			if tt.password != "" {
				password = tt.password
			}
			findings := Check(testNames(), existing, password, time.Now().Add(tt.after))
			if len(findings) != len(tt.want) {
				t.Fatalf("%d findings, want %d:\n%v", len(findings), len(tt.want), findings)
			}
			for i, want := range tt.want {
				if !strings.Contains(findings[i].String(), want) {
					t.Errorf("finding %d is %q, want %q", i, findings[i], want)
				}
			}
			if (Err(findings) == nil) != (len(tt.want) == 0) {
				t.Errorf("error %v for %d findings", Err(findings), len(findings))
			}
		})
	}
}

func TestACertificateNearItsEndIsAWarning(t *testing.T) {
	_, existing := testStores(t)
	findings := Check(testNames(), existing, testPassword, time.Now().Add(800*24*time.Hour))
	if len(findings) != 11 || !findings[0].Warning {
		t.Errorf("got %v", findings)
	}
	if err := Err(findings); err != nil {
		t.Errorf("warnings are no error, got %v", err)
	}
}

func TestExpiriesBeginWithTheEarliest(t *testing.T) {
	_, existing := testStores(t)
	list := Expiries(existing, testPassword)
	if len(list) != 12 {
		t.Fatalf("%d certificates, want 12: %v", len(list), list)
	}
	if last := list[11].Where; last != "the environment's CA" {
		t.Errorf("the last is %s", last)
	}
	if !list[0].NotAfter.Before(list[11].NotAfter) {
		t.Error("not sorted")
	}
}

func TestAProductThatTheOtherKindOfStoreWasGivenToIsFine(t *testing.T) {
	_, existing := testStores(t)
	existing.APIM[TLSJKS], existing.IS[InternalP12] = swap(t, existing)
	findings := Check(Names{}, existing, testPassword, time.Now())
	if len(findings) != 0 {
		t.Errorf("got %v", findings)
	}
}

// swap gives API Manager's TLS key as PKCS12 and Identity Server's internal key as JKS.
func swap(t *testing.T, existing Existing) (p12, jks []byte) {
	t.Helper()
	apim, err := openKey(existing.APIM[TLSJKS], Alias, testPassword)
	if err != nil {
		t.Fatal(err)
	}
	is, err := openKey(existing.IS[InternalP12], Alias, testPassword)
	if err != nil {
		t.Fatal(err)
	}
	if p12, err = PKCS12(apim, Alias, testPassword); err != nil {
		t.Fatal(err)
	}
	if jks, err = JKS(is, Alias, testPassword); err != nil {
		t.Fatal(err)
	}
	return p12, jks
}

func clone(e Existing) Existing {
	apim, is := map[string][]byte{}, map[string][]byte{}
	for k, v := range e.APIM {
		apim[k] = v
	}
	for k, v := range e.IS {
		is[k] = v
	}
	listeners := map[string]map[string][]byte{}
	for secret, data := range e.Listeners {
		listeners[secret] = maps.Clone(data)
	}
	e.APIM, e.IS, e.Listeners = apim, is, listeners
	return e
}
