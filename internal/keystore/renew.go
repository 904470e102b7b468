package keystore

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"time"

	"lockstep/internal/failure"
)

// Renew makes the stores of an environment again: with new keys for HTTPS, and with the keys that sign and encrypt as they are, under
// new certificates. API keys that API Manager signed and data that was encrypted stay usable. What somebody imported into a truststore
// stays trusted. A product or listener without anything existing gets nothing.
func Renew(ca *CA, names Names, validity time.Duration, password string, existing Existing) (Stores, error) {
	stores, r := Stores{Listeners: map[string]map[string][]byte{}}, renewal{ca: ca, validity: validity, password: password}
	var err error
	if stores.APIM, err = r.product(apimFiles(), existing.APIM, names.APIM, apimStores); err != nil {
		return Stores{}, err
	}
	if stores.IS, err = r.product(isFiles(), existing.IS, names.IS, isStores); err != nil {
		return Stores{}, err
	}
	for _, l := range names.Listeners {
		if _, there := existing.Listeners[l.Secret]; !there {
			continue
		}
		pair, err := ca.Issue(l.leaf(validity))
		if err != nil {
			return Stores{}, err
		}
		if stores.Listeners[l.Secret], err = pair.secret(); err != nil {
			return Stores{}, err
		}
	}
	return stores, nil
}

type renewal struct {
	ca       *CA
	validity time.Duration
	password string
}

func (r renewal) product(f files, old map[string][]byte, names []string, encode func(*CA, pairs, string, ...Trusted) (map[string][]byte, error)) (map[string][]byte, error) {
	if len(old) == 0 {
		return nil, nil
	}
	var p pairs
	var before *Pair
	for file, into := range map[string]**Pair{f.primary: &p.primary, f.internal: &p.internal} {
		pair, err := openKey(old[file], Alias, r.password)
		if err != nil {
			return nil, unfit(f.at(file), err, storeMove)
		}
		if file == f.primary {
			before = pair
		}
		if *into, err = r.ca.reissue(pair, r.validity); err != nil {
			return nil, failure.In(f.at(file), err)
		}
	}
	var err error
	if p.tls, err = r.ca.Issue(f.leaf("tls", names, r.validity)); err != nil {
		return nil, err
	}
	trusted, err := openTrust(old[f.truststore], r.password)
	if err != nil {
		return nil, unfit(f.at(f.truststore), err, storeMove)
	}
	return encode(r.ca, p, r.password, imported(trusted, before.Leaf(), trust(r.ca, p))...)
}

// imported are the certificates that were trusted beside those that a store gets anyway, and the one that is replaced.
func imported(old []*x509.Certificate, replaced *x509.Certificate, all []Trusted) (extra []Trusted) {
	known := map[string]bool{string(replaced.Raw): true}
	for _, entry := range all {
		known[string(entry.Cert.Raw)] = true
	}
	for _, cert := range old {
		if !known[string(cert.Raw)] {
			known[string(cert.Raw)] = true
			extra = append(extra, Trusted{Alias: fmt.Sprintf("imported-%d", len(extra)+1), Cert: cert})
		}
	}
	return extra
}

// reissue signs a new certificate for the key of a pair, with the names that it has.
func (ca *CA) reissue(pair *Pair, validity time.Duration) (*Pair, error) {
	old := pair.Leaf()
	return ca.certify(Leaf{CommonName: old.Subject.CommonName, DNSNames: old.DNSNames, IPs: old.IPAddresses, Validity: validity}, pair.Key)
}

// SignedBy says whether one of the CA's certificates signed the first of a chain, however old it is.
func SignedBy(caPEM, chainPEM []byte) bool {
	trusted, err := ParseCerts(caPEM)
	if err != nil {
		return false
	}
	chain, err := ParseCerts(chainPEM)
	return err == nil && len(chain) > 0 && (&check{now: time.Now()}).verifies(trusted, &Pair{Chain: chain})
}

// Signed says whether a certificate in PEM, as clients trust it, is the CA's.
func (ca *CA) Signed(pem []byte) bool {
	certs, err := ParseCerts(pem)
	return err == nil && len(certs) > 0 && bytes.Equal(certs[0].Raw, ca.chain[0].Raw)
}
