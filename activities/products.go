package activities

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/certificates"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/credentials"
	"lockstep/internal/failure"
	"lockstep/internal/fence"
	"lockstep/internal/identity"
	"lockstep/internal/readiness"
	"lockstep/internal/rest"
)

// requestTimeout bounds one request to a product. API Manager does much inside one request: generating keys registers a client
// with Identity Server and its scopes and roles.
const requestTimeout = 45 * time.Second

// products are clients of both products and of the gateway, with the environment's own credentials and trust.
type products struct {
	apim     *apim.Client
	identity *identity.Client
	gateway  *http.Client
	admin    string // password
	close    func()
	// diagnose looks at the pods of both; see [products.explain].
	diagnose func(context.Context) error
}

func (a *Activities) products(ctx context.Context, env config.Environment) (*products, error) {
	s, err := a.site(env.Cluster)
	if err != nil {
		return nil, err
	}
	secrets, err := credentials.Read(ctx, s.cluster, env)
	if err != nil {
		return nil, err
	}
	trust, err := certificates.Store{Cluster: s.cluster, Env: env}.Trusted(ctx)
	if err != nil {
		return nil, err
	}
	user, password := env.Credentials.AdminUsername, secrets.Of(credentials.AdminPassword)
	apimHTTP := httpClient(s.dialer.Service(env.Namespace, apim.Service(env)), trust, "")
	isHTTP := httpClient(s.dialer.Service(env.Namespace, identity.Service(env)), trust, "")
	gatewayHTTP := httpClient(s.dialer.Gateway(env.Namespace, env.Routing.Gateway, env.Routing.Namespace), trust, env.Hostnames.Gateway)
	identityServer := identity.New(identity.Options{Base: identity.URL(env), HTTP: isHTTP, Username: user, Password: password})
	return &products{
		apim: apim.New(apim.Options{Base: apim.URL(env), HTTP: apimHTTP, Username: user, Password: password,
			ClientName: "lockstep", Clients: identityServer}),
		identity: identityServer,
		gateway:  gatewayHTTP,
		admin:    password,
		diagnose: func(ctx context.Context) error { return diagnoseProducts(ctx, s.cluster, env) },
		close: func() {
			apimHTTP.CloseIdleConnections()
			isHTTP.CloseIdleConnections()
			gatewayHTTP.CloseIdleConnections()
		},
	}, nil
}

// explain looks at the products' pods where one of them does not answer: pods that were ready and cannot come back end the step at
// once, and one that restarts gets another attempt.
func (p *products) explain(ctx context.Context, err error) error {
	e, known := failure.As(err)
	if !known || !e.Retryable || rest.Status(err) != 0 || ctx.Err() != nil {
		return err
	}
	if found := p.diagnose(ctx); failure.Is(found, failure.NotReady) && !failure.IsRetryable(found) {
		return failure.Final(failure.NotReady, "a product that was ready does not answer any more: %w", found)
	}
	return err
}

func diagnoseProducts(ctx context.Context, c *cluster.Client, env config.Environment) error {
	for _, product := range component.Products(env) {
		for _, name := range product.Deployments {
			if err := readiness.LookAtDeployment(ctx, c, product.Namespace, name, described(product)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// httpClient verifies TLS against the environment's own CA, always.
func httpClient(dial func(ctx context.Context, network, addr string) (net.Conn, error), trust *x509.CertPool, serverName string) *http.Client {
	return &http.Client{
		Timeout: requestTimeout,
		Transport: fence.Transport(&http.Transport{
			DialContext:           dial,
			TLSClientConfig:       &tls.Config{RootCAs: trust, ServerName: serverName, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   15 * time.Second,
			ResponseHeaderTimeout: requestTimeout,
			MaxIdleConnsPerHost:   2,
			IdleConnTimeout:       30 * time.Second,
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
