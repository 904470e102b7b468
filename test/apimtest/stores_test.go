package apimtest

import (
	"path"
	"strings"
	"testing"
	"time"

	"lockstep/internal/keystore"
	"lockstep/sandbox/carbon"
	"lockstep/sandbox/carbon/carbontest"
)

func TestTheProductsStartWithTheStoresThatLockstepMakes(t *testing.T) {
	ca, err := keystore.NewCA("Test CA", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"localhost"}
	stores, err := keystore.Make(ca, keystore.Names{APIM: names, IS: names}, time.Hour, carbontest.Password)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		toml, home string
		stores     map[string][]byte
		product    carbon.Product
	}{
		"Identity Server": {
			strings.ReplaceAll(carbontest.ISToml, `alias = "`+carbontest.ISAlias+`"`, `alias = "`+keystore.Alias+`"`), carbontest.ISHome, stores.IS,
			carbon.Product{StoreType: "PKCS12", StoreSuffix: ".p12"},
		},
		"API Manager": {carbontest.APIMToml, carbontest.APIMHome, stores.APIM, carbon.Product{StoreType: "JKS", StoreSuffix: ".jks"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{path.Join(test.home, "repository/conf/deployment.toml"): []byte(test.toml)}
			for file, data := range test.stores {
				files[path.Join(test.home, "repository/resources/security", file)] = data
			}
			pod := carbontest.NewPod(t, &carbontest.Network{}, files, carbontest.Variables(test.home, nil))
			server, err := carbon.New(pod.Env, test.product)
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Trust.Verify(server.TLS.Chain, "localhost"); err != nil {
				t.Error(err)
			}
		})
	}
}
