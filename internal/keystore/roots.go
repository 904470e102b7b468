package keystore

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Trusted is one entry of a truststore.
type Trusted struct {
	Alias string
	Cert  *x509.Certificate
}

// PublicRoots are the public CAs that Mozilla trusts without reservation, in the bundle's order. Roots that Mozilla
// trusts only for certificates from before some date are left out: a Java truststore cannot say so.
func PublicRoots() []*x509.Certificate {
	var certs []*x509.Certificate
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		cert, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			panic("keystore: the bundle of public CAs holds a broken certificate: " + err.Error())
		}
		certs = append(certs, cert)
	}
	return certs
}

func trustPublic() []Trusted {
	var entries []Trusted
	for _, cert := range PublicRoots() {
		entries = append(entries, Trusted{Alias: publicAlias(cert), Cert: cert})
	}
	return entries
}

// publicAlias is readable in keytool -list, and distinct even for CAs that share a name.
func publicAlias(cert *x509.Certificate) string {
	name := cert.Subject.CommonName
	if name == "" && len(cert.Subject.OrganizationalUnit) > 0 {
		name = cert.Subject.OrganizationalUnit[0]
	}
	sum := sha256.Sum256(cert.Raw)
	return slug(name) + "-" + hex.EncodeToString(sum[:4])
}

// slug keeps letters and digits of ASCII, lower-cased: the aliases of JKS stores are lower case.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(append([]string{"public"}, words...), "-")
}
