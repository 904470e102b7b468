package keystore

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/internal/failure"
)

// ExpiryWarning is how long before its end a certificate is worth a warning.
const ExpiryWarning = 30 * 24 * time.Hour

// Existing is what is there already. An empty part is not checked.
type Existing struct {
	APIM      map[string][]byte            // data of [APIMSecret]
	IS        map[string][]byte            // data of [ISSecret]
	CA        []byte                       // PEM, what clients of the products trust
	Listeners map[string]map[string][]byte // data of the listeners' Secrets, by their names
	Public    *x509.CertPool               // the public CAs; may be nil
}

// Finding is one thing wrong with an existing store.
type Finding struct {
	Where    string // for example apim-keystore-secret/tls.jks
	Problem  string
	NextMove string
	Warning  bool // true: it works today
}

func (f Finding) String() string { return f.Where + ": " + f.Problem + "; " + f.NextMove }

// Err is the failure of the findings that are no warnings, a line each; nil without any.
func Err(findings []Finding) error {
	var errs []error
	for _, f := range findings {
		if !f.Warning {
			errs = append(errs, failure.Final(failure.InvalidConfig, "%s", f))
		}
	}
	return failure.Join(errs...)
}

// Check says what is wrong at the time now with stores that exist, in a fixed order. Existing stores are never made
// anew: their keys may have signed tokens and encrypted data, so every remedy is the operator's.
func Check(names Names, existing Existing, password string, now time.Time) []Finding {
	c := &check{password: password, now: now}
	apim := c.product(apimFiles(), existing.APIM, names.APIM)
	is := c.product(isFiles(), existing.IS, names.IS)
	for _, side := range []*product{apim, is} {
		c.trusts(side, apim)
		c.trusts(side, is)
	}
	c.ca(existing.CA, apim, is)
	c.listeners(existing, names)
	return c.findings
}

type check struct {
	password string
	now      time.Time
	findings []Finding
}

// files are the names of one product's stores.
type files struct{ product, secret, primary, tls, internal, truststore string }

func apimFiles() files {
	return files{"API Manager", APIMSecret, PrimaryJKS, TLSJKS, InternalJKS, TruststoreJKS}
}

func isFiles() files {
	return files{"Identity Server", ISSecret, PrimaryP12, TLSP12, InternalP12, TruststoreP12}
}

func (f files) at(file string) string { return f.secret + "/" + file }

// product is what could be opened of one product's stores.
type product struct {
	files
	https   *Pair
	trusted []*x509.Certificate
}

func (c *check) product(f files, data map[string][]byte, names []string) *product {
	p := &product{files: f}
	if len(data) == 0 {
		return p
	}
	p.https = c.key(f, f.tls, data)
	if p.https != nil {
		c.names(f.at(f.tls), p.https.Leaf(), names)
	}
	if primary := c.key(f, f.primary, data); primary != nil {
		if _, ok := primary.Key.(*rsa.PrivateKey); !ok {
			c.add(f.at(f.primary), "its key is not RSA, but tokens are signed as RS256", "put an RSA key there")
		}
	}
	c.key(f, f.internal, data)
	if store, ok := c.file(f, f.truststore, data); ok {
		trusted, err := openTrust(store, c.password)
		if err != nil {
			c.add(f.at(f.truststore), err.Error(), storeMove)
		}
		p.trusted = trusted
	}
	return p
}

// storeMove is the remedy for a store that is not as both products need it.
const storeMove = "replace it by a store whose password, and whose key's, is keystorePassword of the credentials Secret, " +
	"with any key under the alias " + Alias

func (c *check) key(f files, file string, data map[string][]byte) *Pair {
	store, ok := c.file(f, file, data)
	if !ok {
		return nil
	}
	pair, err := openKey(store, Alias, c.password)
	if err != nil {
		c.add(f.at(file), err.Error(), storeMove)
		return nil
	}
	c.expiry(f.at(file), pair.Leaf())
	return pair
}

func (c *check) file(f files, file string, data map[string][]byte) ([]byte, bool) {
	store, ok := data[file]
	if !ok {
		c.add(f.at(file), "missing", fmt.Sprintf("add the key %s to Secret %s; %s mounts it by that name", file, f.secret, f.product))
	}
	return store, ok
}

func (c *check) names(where string, cert *x509.Certificate, names []string) {
	var missing []string
	for _, name := range names {
		if cert.VerifyHostname(name) != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		c.add(where, "its certificate lacks the names "+strings.Join(missing, ", "),
			"replace this file (and this file alone: other keys have signed and encrypted) by one whose certificate has them")
	}
}

func (c *check) expiry(where string, cert *x509.Certificate) {
	const move = "replace it by a renewed one, signed by the same CA"
	switch {
	case c.now.Before(cert.NotBefore):
		c.add(where, "its certificate is not valid before "+cert.NotBefore.UTC().Format(time.RFC3339), "wait until then, or correct the clock")
	case c.now.After(cert.NotAfter):
		c.add(where, "its certificate expired on "+day(cert.NotAfter), move)
	case c.now.Add(ExpiryWarning).After(cert.NotAfter):
		c.findings = append(c.findings,
			Finding{Where: where, Problem: "its certificate expires on " + day(cert.NotAfter), NextMove: move, Warning: true})
	}
}

// trusts reports side not trusting the HTTPS certificate of other.
func (c *check) trusts(side, other *product) {
	if side.trusted == nil || other.https == nil || c.verifies(side.trusted, other.https) {
		return
	}
	c.add(side.at(side.truststore), "does not trust the certificate of "+other.product,
		fmt.Sprintf("import the CA that signed %s, or that certificate, into it", other.at(other.tls)))
}

func (c *check) ca(data []byte, products ...*product) {
	if len(data) == 0 {
		return
	}
	const where = "the environment's CA"
	certs, err := ParseCerts(data)
	if err != nil {
		c.add(where, err.Error(), "put the CA's certificate there as PEM")
		return
	}
	for _, cert := range certs {
		c.expiry(where, cert)
	}
	for _, p := range products {
		if p.https != nil && !c.verifies(certs, p.https) {
			c.add(p.at(p.tls), "its certificate is not signed by the environment's CA",
				"name the CA that signed it as certificates.ca, or replace the file by one signed by the environment's CA")
		}
	}
}

func (c *check) listeners(existing Existing, names Names) {
	for _, l := range names.Listeners {
		if data := existing.Listeners[l.Secret]; len(data) > 0 {
			c.listener(l, data, existing)
		}
	}
}

// listener checks the pair of a listener. Who signed it matters for Lockstep's own alone: clients trust the environment's CA, and the public
// ones.
func (c *check) listener(l ListenerNames, data map[string][]byte, existing Existing) {
	where := l.where()
	if problem, move := listenerPair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey], c.now); problem != "" {
		c.add(where, problem, move)
		return
	}
	chain, err := ParseCerts(data[corev1.TLSCertKey])
	if err != nil {
		return // which is a problem of the pair
	}
	c.expiry(where, chain[0])
	c.names(where, chain[0], l.Names)
	trusted, err := ParseCerts(existing.CA)
	if err != nil || l.Brought || c.verifies(trusted, &Pair{Chain: chain}) || existing.Public != nil && c.signed(chain, existing.Public) {
		return
	}
	c.add(where, fmt.Sprintf("its certificate is signed by %q, not by the environment's CA, which clients trust", chain[0].Issuer),
		"delete that Secret and run `lockstep deploy`, which makes it anew; or, if the certificate is your own, name its Secret in certificates.gatewayTLS")
}

// verifies is true also for a certificate that has expired, which is a finding of its own.
func (c *check) verifies(trusted []*x509.Certificate, pair *Pair) bool {
	roots := x509.NewCertPool()
	for _, cert := range trusted {
		roots.AddCert(cert)
	}
	return c.signed(pair.Chain, roots)
}

func (c *check) signed(chain []*x509.Certificate, roots *x509.CertPool) bool {
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	leaf, at := chain[0], c.now
	if at.After(leaf.NotAfter) || at.Before(leaf.NotBefore) {
		at = leaf.NotAfter
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

func (c *check) add(where, problem, move string) {
	c.findings = append(c.findings, Finding{Where: where, Problem: problem, NextMove: move})
}

// Expiry is when the first certificate of an environment ends.
type Expiry struct {
	Where    string    `json:"where"`
	NotAfter time.Time `json:"notAfter"`
}

// Expiries lists when each certificate ends, the earliest first. What does not open is left out: [Check] reports it.
func Expiries(existing Existing, password string) []Expiry {
	var out []Expiry
	add := func(where string, certs ...*x509.Certificate) {
		for _, cert := range certs {
			out = append(out, Expiry{Where: where, NotAfter: cert.NotAfter.UTC()})
		}
	}
	for f, data := range map[files]map[string][]byte{apimFiles(): existing.APIM, isFiles(): existing.IS} {
		for _, file := range []string{f.primary, f.tls, f.internal} {
			if pair, err := openKey(data[file], Alias, password); err == nil {
				add(f.at(file), pair.Leaf())
			}
		}
	}
	if certs, err := ParseCerts(existing.CA); err == nil {
		add("the environment's CA", certs...)
	}
	for secret, data := range existing.Listeners {
		if certs, err := ParseCerts(data[corev1.TLSCertKey]); err == nil {
			add(listenerAt(secret), certs[0])
		}
	}
	slices.SortFunc(out, func(a, b Expiry) int {
		if c := a.NotAfter.Compare(b.NotAfter); c != 0 {
			return c
		}
		return strings.Compare(a.Where, b.Where)
	})
	return out
}
