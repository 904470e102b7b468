package keystore

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// caBits is the size of the CA's RSA key; it outlives its leafs, so it is larger than theirs.
const caBits = 3072

// backdate is how far in the past a certificate begins, so that a clock running behind accepts it.
const backdate = time.Hour

// CA signs the leaf certificates of an environment.
type CA struct {
	chain []*x509.Certificate // the signing certificate first, then what signed it
	key   crypto.Signer
}

// NewCA makes a self-signed CA whose certificate is valid for validity from now. It may sign for the permitted DNS names and those below
// them, and nobody takes what its key signs for others; without any it may sign for all.
//
// Addresses are not limited: Envoy 1.37 and 1.39 refuse a certificate that has an address, as the products' have 127.0.0.1, if its CA has limits
// of addresses ("unsupported name constraint type" of BoringSSL).
func NewCA(commonName string, validity time.Duration, permitted ...string) (*CA, error) {
	key, err := rsa.GenerateKey(rand.Reader, caBits)
	if err != nil {
		return nil, broken("generating the CA's key", err)
	}
	template, err := newTemplate(commonName, validity)
	if err != nil {
		return nil, err
	}
	// Java and Envoy (BoringSSL) both refuse a trust anchor without BasicConstraints CA:true.
	template.BasicConstraintsValid, template.IsCA, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.PermittedDNSDomains, template.PermittedDNSDomainsCritical = permitted, len(permitted) > 0
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, broken("signing the CA's certificate", err)
	}
	return &CA{chain: []*x509.Certificate{cert}, key: key}, nil
}

// pairMove is the remedy for a CA that cannot be read.
const pairMove = "put the CA's certificate as tls.crt and its private key as tls.key into the Secret, both as PEM"

// ParseCA reads a CA from PEM. certPEM may go on with the certificates that signed the CA's own.
func ParseCA(certPEM, keyPEM []byte) (*CA, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, unfit("reading the CA's certificate and key", err, pairMove)
	}
	chain, err := parseChain(pair.Certificate)
	if err != nil {
		return nil, unfit("reading the CA's certificates", err, pairMove)
	}
	if err := checkSigns(chain[0], time.Now()); err != nil {
		return nil, err
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, unfit("reading the CA's key", fmt.Errorf("%T cannot sign", pair.PrivateKey), "use an RSA or ECDSA key")
	}
	return &CA{chain: chain, key: signer}, nil
}

// Chain is the signing certificate, then what signed it.
func (ca *CA) Chain() []*x509.Certificate { return ca.chain }

// CertPEM is the CA's certificate chain, for whoever has to trust the environment.
func (ca *CA) CertPEM() []byte { return encodeCerts(ca.chain) }

// KeyPEM is the CA's private key as PKCS #8.
func (ca *CA) KeyPEM() ([]byte, error) { return encodeKey(ca.key) }

func checkSigns(cert *x509.Certificate, now time.Time) error {
	switch {
	case !cert.BasicConstraintsValid || !cert.IsCA:
		return unfit("", fmt.Errorf("CA certificate %q lacks BasicConstraints CA:true, so neither Java nor Envoy takes it as an anchor", cert.Subject),
			"give the certificate of a CA")
	case cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return unfit("", fmt.Errorf("CA certificate %q may not sign certificates (keyUsage lacks keyCertSign)", cert.Subject),
			"give the certificate of a CA")
	case now.After(cert.NotAfter):
		return unfit("", fmt.Errorf("CA certificate %q expired on %s", cert.Subject, day(cert.NotAfter)), "renew it")
	}
	return nil
}

func newTemplate(commonName string, validity time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, broken("choosing a serial number", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"Lockstep"}, CommonName: truncate(commonName, maxCommonName)},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(validity),
	}, nil
}

func sign(template, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func parseChain(ders [][]byte) ([]*x509.Certificate, error) {
	return x509.ParseCertificates(bytes.Join(ders, nil))
}

// ParseCerts reads every certificate of a PEM file.
func ParseCerts(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, unfit("reading a certificate", err, "")
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, unfit("reading certificates", errors.New("no PEM block of type CERTIFICATE"), "")
	}
	return certs, nil
}

func encodeCerts(certs []*x509.Certificate) []byte {
	var out []byte
	for _, cert := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return out
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, broken("encoding a private key", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
