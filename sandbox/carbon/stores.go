package carbon

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
)

// A Pair is a key entry of a keystore: the private key and its certificate chain, leaf first.
type Pair struct {
	Key   crypto.Signer
	Chain []*x509.Certificate
}

// Certificate is the pair as crypto/tls wants it.
func (p Pair) Certificate() tls.Certificate {
	certificate := tls.Certificate{PrivateKey: p.Key, Leaf: p.Chain[0]}
	for _, link := range p.Chain {
		certificate.Certificate = append(certificate.Certificate, link.Raw)
	}
	return certificate
}

// storeConfig is one [keystore.x] table, or [truststore], with the product's defaults.
type storeConfig struct {
	file, kind, password, alias, keyPassword string
}

func (s *Server) openStores() error {
	var err error
	primary, err := s.openPair("keystore.primary")
	if err != nil {
		return err
	}
	if s.TLS, err = s.openPair("keystore.tls"); err != nil {
		return err
	}
	if _, err = s.openPair("keystore.internal"); err != nil {
		return err
	}
	if s.Signer, err = newSigner(primary); err != nil {
		return err
	}
	s.Trust, err = s.openTrust()
	return err
}

// keystore describes a store. One that deployment.toml does not name is the primary one.
func (s *Server) keystore(table string) storeConfig {
	if table != "keystore.primary" && !s.Config.Has(table) {
		return s.keystore("keystore.primary")
	}
	password := s.Config.String(table+".password", "wso2carbon")
	return storeConfig{
		file:        s.Config.String(table+".file_name", "wso2carbon"+s.StoreSuffix),
		kind:        s.Config.String(table+".type", s.StoreType),
		password:    password,
		alias:       s.Config.String(table+".alias", "wso2carbon"),
		keyPassword: s.Config.String(table+".key_password", password),
	}
}

func (s *Server) openPair(table string) (Pair, error) {
	store := s.keystore(table)
	pair, err := s.readPair(store)
	if err != nil {
		return Pair{}, fmt.Errorf("error while loading %s %s: %w", table, store.file, err)
	}
	return pair, nil
}

func (s *Server) readPair(store storeConfig) (Pair, error) {
	data, err := s.readStore(store)
	if err != nil {
		return Pair{}, err
	}
	if isJKS(data) {
		return pairOfJKS(data, store)
	}
	return pairOfPKCS12(data, store)
}

// readStore reads a store's file. JDKs tell JKS and PKCS12 apart by content, whichever of the two the type says
// (keystore.type.compat), but know no other types.
func (s *Server) readStore(store storeConfig) ([]byte, error) {
	if kind := strings.ToUpper(store.kind); kind != "JKS" && kind != "PKCS12" {
		return nil, fmt.Errorf("java.security.KeyStoreException: %s not found", store.kind)
	}
	name := filepath.Join("repository", "resources", "security", store.file)
	data, err := os.ReadFile(filepath.Join(s.Home, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("java.io.FileNotFoundException: %s (No such file or directory)",
			filepath.Join(s.Env.Getenv("WSO2_SERVER_HOME"), name))
	}
	return data, err
}

var (
	errPassword = errors.New("java.io.IOException: Keystore was tampered with, or password was incorrect")
	errFormat   = errors.New("java.io.IOException: Invalid keystore format")
	errKey      = errors.New("java.security.UnrecoverableKeyException: Cannot recover key")
)

func noAlias(alias string) error {
	return fmt.Errorf("java.security.KeyStoreException: the alias %q is not a key entry of the keystore", alias)
}

func isJKS(data []byte) bool { return bytes.HasPrefix(data, []byte{0xFE, 0xED, 0xFE, 0xED}) }

func loadJKS(data []byte, password string) (keystore.KeyStore, error) {
	store := keystore.New()
	if err := store.Load(bytes.NewReader(data), []byte(password)); err != nil {
		return store, errPassword
	}
	return store, nil
}

func pairOfJKS(data []byte, config storeConfig) (Pair, error) {
	store, err := loadJKS(data, config.password)
	if err != nil {
		return Pair{}, err
	}
	if !store.IsPrivateKeyEntry(config.alias) {
		return Pair{}, noAlias(config.alias)
	}
	entry, err := store.GetPrivateKeyEntry(config.alias, []byte(config.keyPassword))
	if err != nil {
		return Pair{}, errKey
	}
	key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
	if err != nil {
		return Pair{}, errKey
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return Pair{}, errKey
	}
	pair := Pair{Key: signer}
	for _, link := range entry.CertificateChain {
		certificate, err := x509.ParseCertificate(link.Content)
		if err != nil {
			return Pair{}, fmt.Errorf("java.security.cert.CertificateException: %w", err)
		}
		pair.Chain = append(pair.Chain, certificate)
	}
	if len(pair.Chain) == 0 {
		return Pair{}, noAlias(config.alias)
	}
	return pair, nil
}
