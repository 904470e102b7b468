package carbon

import (
	"crypto"
	"errors"
	"strings"

	"crypto/x509"

	"software.sslmate.com/src/go-pkcs12"
)

func pairOfPKCS12(data []byte, config storeConfig) (Pair, error) {
	key, leaf, chain, err := pkcs12.DecodeChain(data, config.password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return Pair{}, errPassword
	case err != nil:
		return Pair{}, errFormat
	case config.keyPassword != config.password: // Java opens the key of a PKCS12 store with its own password
		return Pair{}, errKey
	case !strings.EqualFold(keyAlias(data, config.password), config.alias):
		return Pair{}, noAlias(config.alias)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return Pair{}, errKey
	}
	return Pair{Key: signer, Chain: append([]*x509.Certificate{leaf}, chain...)}, nil
}

// keyAlias is the friendly name of the key's bag. Java calls a key without one "1".
func keyAlias(data []byte, password string) string {
	//lint:ignore SA1019 nothing else shows the friendly names
	blocks, err := pkcs12.ToPEM(data, password)
	if err != nil {
		return ""
	}
	for _, block := range blocks {
		if block.Type != "PRIVATE KEY" {
			continue
		}
		if name := block.Headers["friendlyName"]; name != "" {
			return name
		}
	}
	return "1"
}

// trustedOfPKCS12 are the certificates that Java takes as trusted: those that carry its own attribute
// (2.16.840.1.113894.746875.1.1). A store with unmarked ones opens without complaint, and trusts nobody.
func trustedOfPKCS12(data []byte, password string) ([]*x509.Certificate, error) {
	certificates, err := pkcs12.DecodeTrustStore(data, password)
	switch {
	case err == nil:
		return certificates, nil
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, errPassword
	case strings.Contains(err.Error(), "not marked as trusted"), strings.Contains(err.Error(), "only certificate bags"):
		return nil, nil
	}
	if _, _, _, err := pkcs12.DecodeChain(data, password); err == nil { // a keystore: its chain is not trusted
		return nil, nil
	}
	return nil, errFormat
}
