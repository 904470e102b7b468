package carbontest

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"sync"
	"testing"
)

// Names of the products' Services and of their environment, as the charts make them for releases "is" and "apim".
const (
	ISService   = "is-identity-server"
	APIMService = "apim-wso2am-all-in-one-am-service"
	Password    = "changeit"
)

// Aliases of the keys in the stores of either product.
const (
	APIMAlias = "wso2carbon"
	ISAlias   = "1" // Java's name for the key of a PKCS12 store that gives it none
)

// Stores are the key stores and truststores of both products, by file name, with the CA that both trust.
type Stores struct {
	CA       *CA
	APIM, IS map[string][]byte
}

// Mint mints the stores once per process: keys take their time. What comes back is the caller's own to change.
func Mint(t testing.TB) Stores {
	t.Helper()
	minted, err := mintOnce()
	if err != nil {
		t.Fatal(err)
	}
	return Stores{CA: minted.CA, APIM: maps.Clone(minted.APIM), IS: maps.Clone(minted.IS)}
}

var mintOnce = sync.OnceValues(func() (Stores, error) {
	ca, err := newCA("Test CA")
	if err != nil {
		return Stores{}, err
	}
	stores := Stores{CA: ca, APIM: map[string][]byte{}, IS: map[string][]byte{}}
	err = fill(stores.APIM, ".jks", ca, encodeJKS, encodeJKSTrust, APIMService, APIMService+".apim.svc.cluster.local", "am.example.test", "localhost")
	if err != nil {
		return Stores{}, err
	}
	err = fill(stores.IS, ".p12", ca, encodePKCS12, encodePKCS12Trust, ISService, ISService+".apim.svc.cluster.local", "km.example.test", "localhost")
	return stores, err
})

// fill makes one product's stores: a key for HTTPS, another for signing, and a truststore with the CA and the signing certificate.
func fill(
	stores map[string][]byte, suffix string, ca *CA,
	pair func(tls.Certificate) ([]byte, error), trust func(...*x509.Certificate) ([]byte, error), names ...string,
) error {
	var signing tls.Certificate
	for _, name := range []string{"tls", "primary"} {
		issued, err := ca.issue(names...)
		if err != nil {
			return err
		}
		if stores[name+suffix], err = pair(issued); err != nil {
			return err
		}
		signing = issued
	}
	var err error
	stores["client-truststore"+suffix], err = trust(ca.Certificate, signing.Leaf)
	return err
}
