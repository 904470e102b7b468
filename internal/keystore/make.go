package keystore

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"lockstep/internal/failure"
)

// Stores is everything made of a CA for one environment. The maps go from file name to contents, as in the Secrets.
type Stores struct {
	APIM      map[string][]byte            // data of [APIMSecret]
	IS        map[string][]byte            // data of [ISSecret]
	Listeners map[string]map[string][]byte // data of the listeners' Secrets, by their names: PEM, the CA's chain included, and PKCS #8
}

// pairs are the leafs of one product.
type pairs struct{ primary, tls, internal *Pair }

// Make mints every leaf and writes every store, all with the one password. Each product gets three keys: tls for HTTPS,
// primary for signing tokens, internal for encrypting. Each side trusts the CA, hence itself and the other, and the
// public CAs. The same names go on all three of a product's certificates. Each listener gets a key and certificate of its own.
func Make(ca *CA, names Names, validity time.Duration, password string) (Stores, error) {
	var apim, is pairs
	listeners := make([]*Pair, len(names.Listeners))
	g := new(errgroup.Group)
	issue := func(into **Pair, leaf Leaf) {
		g.Go(func() (err error) {
			*into, err = ca.Issue(leaf)
			return err
		})
	}
	issue(&apim.primary, apimFiles().leaf("primary", names.APIM, validity))
	issue(&apim.tls, apimFiles().leaf("tls", names.APIM, validity))
	issue(&apim.internal, apimFiles().leaf("internal", names.APIM, validity))
	issue(&is.primary, isFiles().leaf("primary", names.IS, validity))
	issue(&is.tls, isFiles().leaf("tls", names.IS, validity))
	issue(&is.internal, isFiles().leaf("internal", names.IS, validity))
	for i, l := range names.Listeners {
		issue(&listeners[i], l.leaf(validity))
	}
	if err := g.Wait(); err != nil {
		return Stores{}, err
	}
	return encode(ca, apim, is, password, names, listeners)
}

// leaf is the certificate of one of a product's keys.
func (f files) leaf(key string, names []string, validity time.Duration) Leaf {
	return Leaf{CommonName: f.product + " " + key, DNSNames: names, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Validity: validity}
}

func (n ListenerNames) leaf(validity time.Duration) Leaf {
	return Leaf{CommonName: "Gateway", DNSNames: n.Names, Validity: validity}
}

// secret is a pair as a Secret of type kubernetes.io/tls holds it.
func (p *Pair) secret() (map[string][]byte, error) {
	key, err := p.KeyPEM()
	return map[string][]byte{corev1.TLSCertKey: p.CertPEM(), corev1.TLSPrivateKeyKey: key}, err
}

func encode(ca *CA, apim, is pairs, password string, names Names, listeners []*Pair) (Stores, error) {
	secrets := map[string]map[string][]byte{}
	for i, l := range names.Listeners {
		var err error
		if secrets[l.Secret], err = listeners[i].secret(); err != nil {
			return Stores{}, err
		}
	}
	apimStores, err := apimStores(ca, apim, password)
	if err != nil {
		return Stores{}, failure.In("API Manager's stores", err)
	}
	isStores, err := isStores(ca, is, password)
	if err != nil {
		return Stores{}, failure.In("Identity Server's stores", err)
	}
	return Stores{APIM: apimStores, IS: isStores, Listeners: secrets}, nil
}

func apimStores(ca *CA, p pairs, password string, extra ...Trusted) (map[string][]byte, error) {
	trusted := append(append(trust(ca, p), extra...), Trusted{Alias: GatewayAlias, Cert: p.primary.Leaf()})
	store := func(pair *Pair) func() ([]byte, error) {
		return func() ([]byte, error) { return JKS(pair, Alias, password) }
	}
	return encodeAll(map[string]func() ([]byte, error){
		PrimaryJKS:    store(p.primary),
		TLSJKS:        store(p.tls),
		InternalJKS:   store(p.internal),
		TruststoreJKS: func() ([]byte, error) { return JKSTruststore(trusted, password) },
	})
}

func isStores(ca *CA, p pairs, password string, extra ...Trusted) (map[string][]byte, error) {
	store := func(pair *Pair) func() ([]byte, error) {
		return func() ([]byte, error) { return PKCS12(pair, Alias, password) }
	}
	return encodeAll(map[string]func() ([]byte, error){
		PrimaryP12:    store(p.primary),
		TLSP12:        store(p.tls),
		InternalP12:   store(p.internal),
		TruststoreP12: func() ([]byte, error) { return PKCS12Truststore(append(trust(ca, p), extra...), password) },
	})
}

func encodeAll(files map[string]func() ([]byte, error)) (map[string][]byte, error) {
	out := make(map[string][]byte, len(files))
	for name, encode := range files {
		data, err := encode()
		if err != nil {
			return nil, failure.In(name, err)
		}
		out[name] = data
	}
	return out, nil
}

// trust is what one product trusts: the CA under names of its own, its signing certificate under the alias that the
// shipped truststores give it, and the public CAs.
func trust(ca *CA, p pairs) []Trusted {
	var entries []Trusted
	for i, cert := range ca.Chain() {
		alias := "lockstep-ca"
		if i > 0 {
			alias = fmt.Sprintf("lockstep-ca-%d", i)
		}
		entries = append(entries, Trusted{Alias: alias, Cert: cert})
	}
	entries = append(entries, Trusted{Alias: Alias, Cert: p.primary.Leaf()})
	return append(entries, trustPublic()...)
}
