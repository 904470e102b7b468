package codecserver

import (
	"crypto/tls"
	"testing"
	"time"

	"lockstep/internal/keystore"
)

func TestWhileACertificateIsRenewedTheOneBeforeGoesOn(t *testing.T) {
	folder := t.TempDir()
	renew := func(name string) (cert, key string) {
		ca, err := keystore.NewCA(name, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		pem, err := ca.KeyPEM()
		if err != nil {
			t.Fatal(err)
		}
		return write(t, folder, "tls.crt", string(ca.CertPEM())), write(t, folder, "tls.key", string(pem))
	}
	cert, key := renew("first")
	config, err := tlsConfig(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	wants := func(name string) {
		t.Helper()
		pair, err := config.GetCertificate(new(tls.ClientHelloInfo))
		if err != nil || pair.Leaf.Subject.CommonName != name {
			t.Errorf("%v, %v, want %s", pair, err, name)
		}
	}
	wants("first")
	write(t, folder, "tls.key", "no key")
	wants("first")
	renew("second")
	wants("second")
}
