package keystore

import (
	"testing"
	"time"
)

// Stores and certificates come out of Secrets that people filled.

func seeds(f *testing.F) Stores {
	f.Helper()
	ca, err := NewCA("Fuzz CA", time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	stores, err := Make(ca, testNames(), time.Hour, testPassword)
	if err != nil {
		f.Fatal(err)
	}
	return stores
}

func FuzzStoresNeverPanic(f *testing.F) {
	stores := seeds(f)
	for _, file := range []string{PrimaryJKS, TruststoreJKS} {
		f.Add(stores.APIM[file])
	}
	for _, file := range []string{PrimaryP12, TruststoreP12} {
		f.Add(stores.IS[file])
	}
	f.Add([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, store []byte) {
		_, _ = openKey(store, Alias, testPassword)
		_, _ = openTrust(store, testPassword)
	})
}

func FuzzPEMNeverPanics(f *testing.F) {
	stores := seeds(f)
	f.Add(stores.Listeners[gatewayTLS]["tls.crt"], stores.Listeners[gatewayTLS]["tls.key"])
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte("-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----\n"))
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		if problem, move := listenerPair(cert, key, time.Now()); (problem == "") != (move == "") {
			t.Errorf("%q comes with the move %q", problem, move)
		}
		_, _ = ParseCA(cert, key)
	})
}
