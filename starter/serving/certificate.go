package serving

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often certificate and key are looked at, while there are connections.
const lookEvery = time.Second

// pair is a certificate with its key, read again when one of the files changes. While they do not fit together, as in the middle of a
// change, the pair before goes on.
type pair struct {
	cert, key string
	of        Name
	log       *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	version string
	loaded  *tls.Certificate
}

// config is for connections with the certificate.
func (p *pair) config() (*tls.Config, error) {
	if _, err := p.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.get}, nil
}

// get is the certificate as it is now.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loaded != nil && time.Since(p.looked) < lookEvery {
		return p.loaded, nil
	}
	p.looked = time.Now()
	version := versionOf(p.cert) + versionOf(p.key)
	if p.loaded != nil && version == p.version {
		return p.loaded, nil
	}
	loaded, err := tls.LoadX509KeyPair(p.cert, p.key)
	switch {
	case err != nil && p.loaded == nil:
		return nil, fmt.Errorf("reading the certificate of the %s: %w; set %s.tlsCert and %s.tlsKey to a certificate chain and its key, in PEM", p.of.Title, err, p.of.Key, p.of.Key)
	case err != nil:
		p.log.Error("The new certificate cannot be read: the one before stays in use", "error", err)
		return p.loaded, nil
	case p.loaded != nil:
		p.log.Info("The certificate was read again")
	}
	p.loaded, p.version = &loaded, version
	return p.loaded, nil
}

// versionOf changes when a file does. Mounted Secrets change by a symbolic link, which Stat follows.
func versionOf(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size(), ";")
}
