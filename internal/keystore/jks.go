package keystore

import (
	"bytes"
	"crypto/x509"
	"fmt"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
)

// JKS encodes a store in Java's own format with one private key. The key has the store's password, as both products
// require. The alias is lower-cased.
func JKS(pair *Pair, alias, password string) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(pair.Key)
	if err != nil {
		return nil, broken(fmt.Sprintf("encoding the key of %q", alias), err)
	}
	entry := jks.PrivateKeyEntry{CreationTime: pair.Leaf().NotBefore, PrivateKey: key}
	for _, cert := range pair.Chain {
		entry.CertificateChain = append(entry.CertificateChain, jksCert(cert))
	}
	store := jks.New()
	if err := store.SetPrivateKeyEntry(alias, entry, []byte(password)); err != nil {
		return encoded(fmt.Sprintf("adding the key %q to a JKS store", alias), nil, err)
	}
	return writeJKS(store, password)
}

// JKSTruststore encodes certificates in Java's own format, ordered by alias. The same input gives the same bytes.
func JKSTruststore(trusted []Trusted, password string) ([]byte, error) {
	store := jks.New(jks.WithOrderedAliases())
	for _, t := range trusted {
		entry := jks.TrustedCertificateEntry{CreationTime: t.Cert.NotBefore, Certificate: jksCert(t.Cert)}
		if err := store.SetTrustedCertificateEntry(t.Alias, entry); err != nil {
			return encoded(fmt.Sprintf("adding the certificate %q to a JKS truststore", t.Alias), nil, err)
		}
	}
	return writeJKS(store, password)
}

func jksCert(cert *x509.Certificate) jks.Certificate {
	return jks.Certificate{Type: "X509", Content: cert.Raw}
}

func writeJKS(store jks.KeyStore, password string) ([]byte, error) {
	var out bytes.Buffer
	err := store.Store(&out, []byte(password))
	return encoded("writing a JKS store", out.Bytes(), err)
}
