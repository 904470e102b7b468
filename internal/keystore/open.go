package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// magicJKS begins every store in Java's own format.
const magicJKS = 0xFEEDFEED

// openKey reads the private key under alias, with its chain, from a JKS or PKCS12 store; Java tells the two apart by
// content as well, whatever type a configuration names.
func openKey(store []byte, alias, password string) (*Pair, error) {
	if err := bounded(store); err != nil {
		return nil, explain(err)
	}
	if isJKS(store) {
		return openJKSKey(store, alias, password)
	}
	return openPKCS12Key(store, alias, password)
}

// openTrust reads the trusted certificates of a JKS or PKCS12 store.
func openTrust(store []byte, password string) ([]*x509.Certificate, error) {
	if err := bounded(store); err != nil {
		return nil, explain(err)
	}
	if !isJKS(store) {
		certs, err := pkcs12.DecodeTrustStore(store, password)
		return certs, explain(err)
	}
	loaded, err := loadJKS(store, password)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, alias := range loaded.Aliases() {
		entry, err := loaded.GetTrustedCertificateEntry(alias)
		if err != nil {
			continue // a private key
		}
		cert, err := x509.ParseCertificate(entry.Certificate.Content)
		if err != nil {
			continue // Java skips what it cannot use, too
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

func isJKS(store []byte) bool {
	return len(store) >= 4 && binary.BigEndian.Uint32(store) == magicJKS
}

func loadJKS(store []byte, password string) (jks.KeyStore, error) {
	loaded := jks.New(jks.WithOrderedAliases())
	if err := loaded.Load(bytes.NewReader(store), []byte(password)); err != nil {
		return loaded, explain(err)
	}
	return loaded, nil
}

func openJKSKey(store []byte, alias, password string) (*Pair, error) {
	loaded, err := loadJKS(store, password)
	if err != nil {
		return nil, err
	}
	if !loaded.IsPrivateKeyEntry(alias) {
		return nil, fmt.Errorf("has no private key under the alias %s (its aliases: %s)", alias, strings.Join(loaded.Aliases(), ", "))
	}
	entry, err := loaded.GetPrivateKeyEntry(alias, []byte(password))
	if err != nil {
		return nil, errors.New("has a key whose password is not the store's; both products need them equal")
	}
	var ders [][]byte
	for _, cert := range entry.CertificateChain {
		ders = append(ders, cert.Content)
	}
	key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("has an unreadable private key: %w", err)
	}
	chain, err := parseChain(ders)
	if err != nil {
		return nil, fmt.Errorf("has an unreadable certificate chain: %w", err)
	}
	return pair(key, chain)
}

func openPKCS12Key(store []byte, alias, password string) (*Pair, error) {
	keyFirst, err := plainKeyFirst(store, password)
	if err != nil {
		return nil, err
	}
	key, first, others, err := pkcs12.DecodeChain(keyFirst, password)
	if err != nil {
		return nil, explain(err)
	}
	if found := keyAlias(store); found != "" && !strings.EqualFold(found, alias) {
		return nil, fmt.Errorf("has no private key under the alias %s (its key: %s)", alias, found)
	}
	return pair(key, append([]*x509.Certificate{first}, others...))
}

// pair puts the key's own certificate first; a PKCS12 store may hold others before it.
func pair(key any, certs []*x509.Certificate) (*Pair, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("has a private key of a kind that cannot sign (%T)", key)
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, fmt.Errorf("has a private key of an unknown kind (%T)", key)
	}
	for i, cert := range certs {
		if public.Equal(cert.PublicKey) {
			chain := append([]*x509.Certificate{cert}, certs[:i]...)
			return &Pair{Key: signer, Chain: append(chain, certs[i+1:]...)}, nil
		}
	}
	return nil, errors.New("has no certificate for its private key")
}

// explain says in one way what both libraries say in several.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pkcs12.ErrIncorrectPassword), strings.Contains(err.Error(), "invalid digest"):
		return errors.New("does not open with the keystore password")
	case errors.Is(err, errTooOften), errors.Is(err, errCutOff), errors.Is(err, errTooNested):
		return fmt.Errorf("cannot be read: %w", err)
	}
	// What a parser says of the first byte that is not what it should be helps nobody.
	return errors.New("cannot be read: it is neither a JKS nor a PKCS12 store, or is damaged")
}
