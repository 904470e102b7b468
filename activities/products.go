package activities

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/temporal"
	corev1 "k8s.io/api/core/v1"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	failures "lockstep/internal/failure"
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
	// diagnose looks at the pods of both; see [products.classify].
	diagnose func(context.Context) error
}

func (a *Activities) products(ctx context.Context, env config.Environment) (*products, error) {
	s, err := a.site(env.Cluster)
	if err != nil {
		return nil, err
	}
	secrets, err := credentials(ctx, s.cluster, env)
	if err != nil {
		return nil, err
	}
	trust, err := trusted(ctx, s.cluster, env)
	if err != nil {
		return nil, err
	}
	user, password := env.Credentials.AdminUsername, string(secrets[keyAdminPassword])
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

// classify classifies what a product said, as [classifyProduct] does, and looks at the pods of one that says nothing.
func (p *products) classify(ctx context.Context, err error) error {
	return p.sharpen(ctx, err, classifyProduct(err))
}

// sharpen looks at the products' pods where one of them does not answer: pods that were ready and cannot come back end the step
// at once, and one that restarts gets another attempt. classified is what err is otherwise.
func (p *products) sharpen(ctx context.Context, err, classified error) error {
	var app *temporal.ApplicationError
	if rest.Status(err) != 0 || ctx.Err() != nil || !errors.As(classified, &app) || app.NonRetryable() {
		return classified
	}
	if found := p.diagnose(ctx); failures.Is(found, failures.NotReady) {
		return failure(TypeNotReady, "a product that was ready does not answer any more: "+found.Error())
	}
	return classified
}

func diagnoseProducts(ctx context.Context, c *cluster.Client, env config.Environment) error {
	redact, err := redacting(ctx, c, env)
	if err != nil {
		return err
	}
	for _, product := range component.Products(env) {
		for _, name := range product.Deployments {
			if err := readiness.LookAtDeployment(ctx, c, product.Namespace, name, append(described(product), redact)...); err != nil {
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

// trusted are the environment's CA, the public CAs, and the listeners' own certificate where the user brought one.
func trusted(ctx context.Context, c *cluster.Client, env config.Environment) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	data, found, err := c.ConfigMap(ctx, env.Namespace, CAConfigMap)
	if err != nil {
		return nil, classifyCluster(err)
	}
	if !found || !pool.AppendCertsFromPEM([]byte(data[caKey])) {
		return nil, failure(TypeNotFound, fmt.Sprintf("ConfigMap %s/%s holds no certificate under %s: is the environment deployed? run `lockstep deploy`",
			env.Namespace, CAConfigMap, caKey))
	}
	if env.Certificates.GatewayTLS != "" {
		listener, _, err := c.Secret(ctx, env.Namespace, env.Certificates.GatewayTLS)
		if err != nil {
			return nil, classifyCluster(err)
		}
		pool.AppendCertsFromPEM(listener[corev1.TLSCertKey])
	}
	return pool, nil
}
