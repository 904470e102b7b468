package keystore

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"lockstep/internal/failure"
)

// Stores is everything made of a CA for one environment. The maps go from file name to contents, as in the Secrets.
type Stores struct {
	APIM        map[string][]byte // data of [APIMSecret]
	IS          map[string][]byte // data of [ISSecret]
	GatewayCert []byte            // PEM, the CA's chain included
	GatewayKey  []byte            // PEM, PKCS #8
}

// pairs are the leafs of one product.
type pairs struct{ primary, tls, internal *Pair }

// Make mints every leaf and writes every store, all with the one password. Each product gets three keys: tls for HTTPS,
// primary for signing tokens, internal for encrypting. Each side trusts the CA, hence itself and the other, and the
// public CAs. The same names go on all three of a product's certificates.
func Make(ca *CA, names Names, validity time.Duration, password string) (Stores, error) {
	var apim, is pairs
	var gateway *Pair
	g := new(errgroup.Group)
	issue := func(into **Pair, commonName string, dnsNames []string, ips ...net.IP) {
		g.Go(func() (err error) {
			*into, err = ca.Issue(Leaf{CommonName: commonName, DNSNames: dnsNames, IPs: ips, Validity: validity})
			return err
		})
	}
	loopback := net.IPv4(127, 0, 0, 1)
	issue(&apim.primary, "API Manager primary", names.APIM, loopback)
	issue(&apim.tls, "API Manager tls", names.APIM, loopback)
	issue(&apim.internal, "API Manager internal", names.APIM, loopback)
	issue(&is.primary, "Identity Server primary", names.IS, loopback)
	issue(&is.tls, "Identity Server tls", names.IS, loopback)
	issue(&is.internal, "Identity Server internal", names.IS, loopback)
	issue(&gateway, "Gateway", names.Gateway)
	if err := g.Wait(); err != nil {
		return Stores{}, err
	}
	return encode(ca, apim, is, gateway, password)
}

func encode(ca *CA, apim, is pairs, gateway *Pair, password string) (Stores, error) {
	gatewayKey, err := gateway.KeyPEM()
	if err != nil {
		return Stores{}, err
	}
	apimStores, err := apimStores(ca, apim, password)
	if err != nil {
		return Stores{}, failure.In("API Manager's stores", err)
	}
	isStores, err := isStores(ca, is, password)
	if err != nil {
		return Stores{}, failure.In("Identity Server's stores", err)
	}
	return Stores{APIM: apimStores, IS: isStores, GatewayCert: gateway.CertPEM(), GatewayKey: gatewayKey}, nil
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
