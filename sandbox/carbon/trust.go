package carbon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Trust is what the server's truststore holds, read once at the start as a JVM does.
type Trust struct {
	roots *x509.CertPool
	count int
}

func (s *Server) openTrust() (*Trust, error) {
	config := storeConfig{
		file:     s.Config.String("truststore.file_name", "client-truststore"+s.StoreSuffix),
		kind:     s.Config.String("truststore.type", s.StoreType),
		password: s.Config.String("truststore.password", "wso2carbon"),
	}
	certificates, err := s.readTrusted(config)
	if err != nil {
		return nil, fmt.Errorf("error while loading truststore %s: %w", config.file, err)
	}
	trust := &Trust{roots: x509.NewCertPool(), count: len(certificates)}
	for _, certificate := range certificates {
		trust.roots.AddCert(certificate)
	}
	return trust, nil
}

func (s *Server) readTrusted(config storeConfig) ([]*x509.Certificate, error) {
	data, err := s.readStore(config)
	if err != nil {
		return nil, err
	}
	if isJKS(data) {
		return trustedOfJKS(data, config.password)
	}
	return trustedOfPKCS12(data, config.password)
}

func trustedOfJKS(data []byte, password string) ([]*x509.Certificate, error) {
	store, err := loadJKS(data, password)
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	for _, alias := range store.Aliases() {
		if !store.IsTrustedCertificateEntry(alias) {
			continue
		}
		entry, err := store.GetTrustedCertificateEntry(alias)
		if err != nil {
			return nil, errFormat
		}
		certificate, err := x509.ParseCertificate(entry.Certificate.Content)
		if err != nil {
			return nil, fmt.Errorf("java.security.cert.CertificateException: %w", err)
		}
		certificates = append(certificates, certificate)
	}
	return certificates, nil
}

// Verify checks a chain, leaf first, against the truststore; a name only if one is given.
func (t *Trust) Verify(chain []*x509.Certificate, name string) error {
	if t.count == 0 {
		return errors.New("java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be non-empty")
	}
	options := x509.VerifyOptions{Roots: t.roots, Intermediates: x509.NewCertPool()}
	for _, link := range chain[1:] {
		options.Intermediates.AddCert(link)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return fmt.Errorf("javax.net.ssl.SSLHandshakeException: PKIX path building failed: %w", err)
	}
	if name != "" && chain[0].VerifyHostname(name) != nil {
		return fmt.Errorf("javax.net.ssl.SSLPeerUnverifiedException: Certificate for <%s> doesn't match any of the subject "+
			"alternative names: %v", name, chain[0].DNSNames)
	}
	return nil
}

// A ClientConfig says how a call out of the server checks whom it meets.
type ClientConfig struct {
	AnyHostname bool // check the chain alone, as -Dhttpclient.hostnameVerifier=AllowAll does
	OnlyTLS12   bool // as -Djdk.tls.client.protocols=TLSv1.2 does
}

// Client makes calls out of the pod. It trusts what the truststore holds and nothing else, and follows no redirects.
func (s *Server) Client(config ClientConfig) *http.Client {
	settings := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // Trust.Verify decides
		VerifyConnection: func(state tls.ConnectionState) error {
			name := state.ServerName
			if config.AnyHostname {
				name = ""
			}
			return s.Trust.Verify(state.PeerCertificates, name)
		},
	}
	if config.OnlyTLS12 {
		settings.MaxVersion = tls.VersionTLS12
	}
	return &http.Client{
		Timeout: 15 * time.Second,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return s.Env.Dialer()(ctx, network, addr)
			},
			TLSClientConfig:   settings,
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
