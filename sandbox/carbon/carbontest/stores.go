package carbontest

import (
	"maps"
	"sync"
	"testing"
	"time"

	"lockstep/internal/keystore"
)

// Names of the products' Services and of their environment, as the charts make them for releases "is" and "apim".
const (
	ISService   = "is-identity-server"
	APIMService = "apim-wso2am-all-in-one-am-service"
	Password    = "changeit"
)

// Stores are an environment's certificates, as Lockstep mints them.
type Stores struct {
	CA       *keystore.CA
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
	ca, err := keystore.NewCA("Test CA", 24*time.Hour)
	if err != nil {
		return Stores{}, err
	}
	stores, err := keystore.Make(ca, keystore.Names{
		APIM:    []string{APIMService, APIMService + ".apim.svc.cluster.local", "am.example.test", "localhost"},
		IS:      []string{ISService, ISService + ".apim.svc.cluster.local", "km.example.test", "localhost"},
		Gateway: []string{"gw.example.test"},
	}, 24*time.Hour, Password)
	return Stores{CA: ca, APIM: stores.APIM, IS: stores.IS}, err
})

// Pair issues a certificate of the CA.
func (s Stores) Pair(t testing.TB, names ...string) *keystore.Pair {
	t.Helper()
	pair, err := s.CA.Issue(keystore.Leaf{CommonName: names[0], DNSNames: names, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
