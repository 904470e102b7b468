package keystore

import (
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// p12Iterations is the work factor of key derivation: what JDK 17 and later write themselves.
const p12Iterations = 10000

// PKCS12 encodes a store with one private key under alias. Contents are encrypted with AES-256 (PBES2) and the store is
// authenticated with HMAC-SHA-256, which Java reads from 8u301, 11.0.12 and 12 on.
func PKCS12(pair *Pair, alias, password string) ([]byte, error) {
	store, err := encoder().Encode(pair.Key, pair.Leaf(), pair.Chain[1:], password)
	if err != nil {
		return encoded("encoding a PKCS12 store", nil, err)
	}
	named, err := setKeyAlias(store, alias, password)
	if err != nil {
		return nil, broken(fmt.Sprintf("naming the key of a PKCS12 store %q", alias), err)
	}
	return named, nil
}

// PKCS12Truststore encodes certificates in the order given. Each carries the bag attribute 2.16.840.1.113894.746875.1.1,
// without which Java sees no trusted certificate in a PKCS12 store.
func PKCS12Truststore(trusted []Trusted, password string) ([]byte, error) {
	entries := make([]pkcs12.TrustStoreEntry, 0, len(trusted))
	for _, t := range trusted {
		entries = append(entries, pkcs12.TrustStoreEntry{Cert: t.Cert, FriendlyName: t.Alias})
	}
	store, err := encoder().EncodeTrustStoreEntries(entries, password)
	return encoded("encoding a PKCS12 truststore", store, err)
}

func encoder() *pkcs12.Encoder { return pkcs12.Modern2023.WithIterations(p12Iterations) }
