package carbontest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// JKS is a store with one key, in Java's own format.
func JKS(t testing.TB, pair tls.Certificate) []byte { return encoded(t)(encodeJKS(pair)) }

// JKSTrust is a truststore in Java's own format.
func JKSTrust(t testing.TB, trusted ...*x509.Certificate) []byte {
	return encoded(t)(encodeJKSTrust(trusted...))
}

// PKCS12 is a store with one key; its certificates are not marked as trusted.
func PKCS12(t testing.TB, pair tls.Certificate) []byte { return encoded(t)(encodePKCS12(pair)) }

// PKCS12Trust is a truststore whose certificates are marked as Java wants them.
func PKCS12Trust(t testing.TB, trusted ...*x509.Certificate) []byte {
	return encoded(t)(encodePKCS12Trust(trusted...))
}

func encoded(t testing.TB) func([]byte, error) []byte {
	return func(data []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
}

func encodeJKS(pair tls.Certificate) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return nil, err
	}
	entry := keystore.PrivateKeyEntry{CreationTime: pair.Leaf.NotBefore, PrivateKey: key}
	for _, der := range pair.Certificate {
		entry.CertificateChain = append(entry.CertificateChain, keystore.Certificate{Type: "X509", Content: der})
	}
	store := keystore.New()
	if err := store.SetPrivateKeyEntry(APIMAlias, entry, []byte(Password)); err != nil {
		return nil, err
	}
	return writeJKS(store)
}

func encodeJKSTrust(trusted ...*x509.Certificate) ([]byte, error) {
	store := keystore.New()
	for i, certificate := range trusted {
		entry := keystore.TrustedCertificateEntry{
			CreationTime: certificate.NotBefore, Certificate: keystore.Certificate{Type: "X509", Content: certificate.Raw},
		}
		if err := store.SetTrustedCertificateEntry(fmt.Sprintf("trusted-%d", i), entry); err != nil {
			return nil, err
		}
	}
	return writeJKS(store)
}

func writeJKS(store keystore.KeyStore) ([]byte, error) {
	var data bytes.Buffer
	err := store.Store(&data, []byte(Password))
	return data.Bytes(), err
}

func encodePKCS12(pair tls.Certificate) ([]byte, error) {
	chain, err := x509.ParseCertificates(bytes.Join(pair.Certificate[1:], nil))
	if err != nil {
		return nil, err
	}
	return pkcs12.Modern2023.Encode(pair.PrivateKey, pair.Leaf, chain, Password)
}

func encodePKCS12Trust(trusted ...*x509.Certificate) ([]byte, error) {
	return pkcs12.Modern2023.EncodeTrustStore(trusted, Password)
}
