package keystore

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// leafBits is the size of leaf keys. They are RSA because both products sign tokens with theirs as RS256.
const leafBits = 2048

// maxCommonName is the upper bound of a common name (RFC 5280, ub-common-name).
const maxCommonName = 64

// Leaf says what a leaf certificate is to be.
type Leaf struct {
	CommonName string // cut to 64 characters
	DNSNames   []string
	IPs        []net.IP
	Validity   time.Duration // from now; never past the CA's own end
}

// Pair is a private key with its certificate chain.
type Pair struct {
	Key   crypto.Signer
	Chain []*x509.Certificate // the leaf first, the CA last
}

// Issue makes a key and signs its certificate.
func (ca *CA) Issue(leaf Leaf) (*Pair, error) {
	key, err := rsa.GenerateKey(rand.Reader, leafBits)
	if err != nil {
		return nil, broken(fmt.Sprintf("generating the key of %q", leaf.CommonName), err)
	}
	return ca.certify(leaf, key)
}

// certify signs a certificate for a key.
func (ca *CA) certify(leaf Leaf, key crypto.Signer) (*Pair, error) {
	template, err := newTemplate(leaf.CommonName, leaf.Validity)
	if err != nil {
		return nil, err
	}
	if end := ca.chain[0].NotAfter; template.NotAfter.After(end) {
		template.NotAfter = end
	}
	template.BasicConstraintsValid = true
	// dataEncipherment: the products encrypt with javax.crypto.Cipher.init(ENCRYPT_MODE, certificate), which refuses a
	// certificate whose critical key usage lacks it ("Wrong key usage").
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageDataEncipherment
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames, template.IPAddresses = leaf.DNSNames, leaf.IPs
	cert, err := sign(template, ca.chain[0], key.Public(), ca.key)
	if err != nil {
		return nil, unfit(fmt.Sprintf("signing the certificate of %q", leaf.CommonName), err, "correct what is named: the CA, or a host name of the environment file")
	}
	if err := ca.permits(cert); err != nil {
		return nil, unfit(fmt.Sprintf("signing the certificate of %q", leaf.CommonName), err, permittedMove)
	}
	return &Pair{Key: key, Chain: append([]*x509.Certificate{cert}, ca.chain...)}, nil
}

// permittedMove is the remedy for names that a CA may not sign for.
const permittedMove = "give the environment names that its CA may sign for, or another CA: one of your own (certificates.ca), or a new one of Lockstep's, " +
	"which a deployment makes after the Secrets of CA and stores and ConfigMap " + CAConfigMap + " are deleted; clients then have to trust that one (docs/operations.md)"

// permits fails if a certificate has names that the CA, or one that signed it, may not sign for: nobody would take it.
func (ca *CA) permits(cert *x509.Certificate) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	last := len(ca.chain) - 1
	roots.AddCert(ca.chain[last])
	for _, one := range ca.chain[:last] {
		between.AddCert(one)
	}
	at := cert.NotAfter // or the earliest end: a certificate that is over ends the verification before the names are looked at
	for _, one := range ca.chain {
		if one.NotAfter.Before(at) {
			at = one.NotAfter
		}
	}
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.CANotAuthorizedForThisName {
		return fmt.Errorf("the CA %q may not sign for all of its names: %s", ca.chain[0].Subject, invalid.Detail)
	}
	return nil // what else may be wrong with the CA is found elsewhere
}

// Leaf is the pair's own certificate.
func (p *Pair) Leaf() *x509.Certificate { return p.Chain[0] }

// CertPEM is the chain, leaf first.
func (p *Pair) CertPEM() []byte { return encodeCerts(p.Chain) }

// KeyPEM is the private key as PKCS #8.
func (p *Pair) KeyPEM() ([]byte, error) { return encodeKey(p.Key) }

func truncate(s string, n int) string { return s[:min(len(s), n)] }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
