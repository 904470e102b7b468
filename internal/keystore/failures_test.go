package keystore

import (
	"strings"
	"testing"
	"time"

	"lockstep/internal/failure"
)

func TestFailuresAreOfAKindAndSayWhatIsNext(t *testing.T) {
	ca, existing := testStores(t)
	key, err := ca.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	expired, err := NewCA("old", -time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	expiredKey, err := expired.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(Leaf{CommonName: "leaf", Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	leafKey, err := leaf.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	parse := func(cert, key []byte) func() error {
		return func() error { _, err := ParseCA(cert, key); return err }
	}
	for name, c := range map[string]struct {
		do   func() error
		says []string
	}{
		"a CA that is no PEM":   {parse([]byte("rubbish"), key), []string{"reading the CA's certificate and key: ", "Next: put the CA's certificate as tls.crt"}},
		"a leaf in place of it": {parse(leaf.CertPEM(), leafKey), []string{`CA certificate "CN=leaf,O=Lockstep" lacks BasicConstraints`, "Next: give the certificate of a CA"}},
		"a CA that expired":     {parse(expired.CertPEM(), expiredKey), []string{`CA certificate "CN=old,O=Lockstep" expired on `, "Next: renew it"}},
		"a name that is no name": {func() error {
			_, err := Make(ca, Names{APIM: []string{"bücher.test"}}, time.Hour, testPassword)
			return err
		}, []string{"signing the certificate of", "Next: correct what is named"}},
		"a password PKCS12 cannot hold": {func() error { _, err := PKCS12(leaf, Alias, "pass😀word"); return err },
			[]string{"encoding a PKCS12 store: ", "Next: check keystorePassword in the credentials Secret"}},
		"a store of another password": {func() error {
			_, err := Renew(ca, testNames(), time.Hour, "another", Existing{IS: existing.IS})
			return err
		}, []string{"is-keystores/", "does not open with the keystore password", "Next: replace it by a store"}},
		"a finding": {func() error { return Err([]Finding{{Where: "there", Problem: "wrong", NextMove: "mend it"}}) }, []string{"there: wrong; mend it"}},
		"no PEM":    {func() error { _, err := ParseCerts([]byte("rubbish")); return err }, []string{"reading certificates: no PEM block"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.do()
			if !failure.Is(err, failure.InvalidConfig) || failure.IsRetryable(err) {
				t.Fatalf("%v is of kind %q, retryable %v", err, failure.KindOf(err), failure.IsRetryable(err))
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "pass😀word") {
				t.Error("it says the password")
			}
		})
	}
}
