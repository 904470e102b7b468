package carbon

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"lockstep/sandbox/carbon/carbontest"
)

func TestAPKCS12CertificateWithoutJavasAttributeIsNotTrusted(t *testing.T) {
	ca := carbontest.NewCA(t, "Test CA")
	marked, err := pkcs12.Passwordless.WithRand(rand.Reader).EncodeTrustStore([]*x509.Certificate{ca.Certificate}, "")
	if err != nil {
		t.Fatal(err)
	}
	if trusted, err := trustedOfPKCS12(marked, ""); err != nil || len(trusted) != 1 {
		t.Fatalf("marked: got %d certificates and %v, want one", len(trusted), err)
	}
	unmarked := bytes.ReplaceAll(marked, oid(t, 2, 16, 840, 1, 113894, 746875, 1, 1), oid(t, 2, 16, 840, 1, 113894, 746875, 1, 9))
	if trusted, err := trustedOfPKCS12(unmarked, ""); err != nil || len(trusted) != 0 {
		t.Errorf("unmarked: got %d certificates and %v, want none and no complaint", len(trusted), err)
	}
}

func oid(t *testing.T, arcs ...int) []byte {
	t.Helper()
	encoded, err := asn1.Marshal(asn1.ObjectIdentifier(arcs))
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
