package activities

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/cluster"
	"lockstep/internal/fence"
	"lockstep/internal/identity"
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
}

func (a *Activities) products(ctx context.Context, env config.Environment) (*products, error) {
	c, err := a.cluster(env.Cluster)
	if err != nil {
		return nil, err
	}
	secrets, err := credentials(ctx, c, env)
	if err != nil {
		return nil, err
	}
	trust, err := trusted(ctx, c, env)
	if err != nil {
		return nil, err
	}
	user, password := env.Credentials.AdminUsername, string(secrets[keyAdminPassword])
	apimHTTP := httpClient(c.Dial(env.Namespace, apim.Service(env)), trust, "")
	isHTTP := httpClient(c.Dial(env.Namespace, identity.Service(env)), trust, "")
	gatewayHTTP := httpClient(c.DialGateway(env.Namespace, env.Routing.Gateway, env.Routing.Namespace), trust, env.Hostnames.Gateway)
	return &products{
		apim: apim.New(apim.Options{Base: apim.URL(env), HTTP: apimHTTP, Username: user, Password: password,
			ClientName: "lockstep"}),
		identity: identity.New(identity.Options{Base: identity.URL(env), HTTP: isHTTP, Username: user, Password: password}),
		gateway:  gatewayHTTP,
		admin:    password,
		close: func() {
			apimHTTP.CloseIdleConnections()
			isHTTP.CloseIdleConnections()
			gatewayHTTP.CloseIdleConnections()
		},
	}, nil
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
