package keystore

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
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
	return &Pair{Key: key, Chain: append([]*x509.Certificate{cert}, ca.chain...)}, nil
}

// Leaf is the pair's own certificate.
func (p *Pair) Leaf() *x509.Certificate { return p.Chain[0] }

// CertPEM is the chain, leaf first.
func (p *Pair) CertPEM() []byte { return encodeCerts(p.Chain) }

// KeyPEM is the private key as PKCS #8.
func (p *Pair) KeyPEM() ([]byte, error) { return encodeKey(p.Key) }

func truncate(s string, n int) string { return s[:min(len(s), n)] }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
