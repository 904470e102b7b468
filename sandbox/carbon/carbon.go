// Package carbon is what the simulated Identity Server and the simulated API Manager share: they are both WSO2 Carbon
// servers. It reads deployment.toml with the traps of WSO2's parser, opens the mounted keystores as Java does, serves
// HTTPS with them, trusts only what is in the truststore, and fails to start as the real server does.
package carbon

import (
	"context"
	"fmt"
	"time"

	"lockstep/sandbox/simulate"
)

// A Product is what differs between Carbon servers before their APIs do.
type Product struct {
	Program     string // name in the faults file, as wso2is
	Title       string // as "WSO2 Identity Server-7.2.0"
	StoreType   string // type of stores whose type deployment.toml does not say: PKCS12 or JKS
	StoreSuffix string // of the stores the product would be shipped with: .p12 or .jks

	// Prepare is what the product's entrypoint demands besides what all entrypoints do. May be nil.
	Prepare func(env simulate.Env, home string) error
}

// A Server is a Carbon server that has read its configuration and stores.
type Server struct {
	Product
	Env    simulate.Env
	Config *Config
	Home   string // WSO2_SERVER_HOME on the host
	TLS    Pair   // keystore.tls
	Signer *Signer
	Trust  *Trust
	Admin  Admin
	Offset int
}

// New does what happens before a Carbon server starts its OSGi runtime: the entrypoint's copying, deployment.toml, the
// stores. Its errors read like the log of the real server; what becomes of its process then, [End] knows.
func New(env simulate.Env, product Product) (*Server, error) {
	home, err := enter(env, product)
	if err != nil {
		return nil, err
	}
	config, err := readConfig(home, env.Getenv)
	if err != nil {
		return nil, misconfigured{err}
	}
	server := &Server{Product: product, Env: env, Config: config, Home: home, Offset: config.Int("server.offset", 0)}
	server.Admin = Admin{
		Username: config.String("super_admin.username", "admin"),
		Password: config.String("super_admin.password", "admin"),
	}
	if err := server.openStores(); err != nil {
		return nil, gaveUp{err}
	}
	return server, nil
}

// Boot takes the time the product takes to start. No port is open during it.
func (s *Server) Boot(ctx context.Context) error {
	s.Env.Log.Info("Starting WSO2 Carbon... (simulated)", "product", s.Title, "home", s.Env.Getenv("WSO2_SERVER_HOME"))
	select {
	case <-time.After(s.Env.Boot):
		s.Env.Log.Info(fmt.Sprintf("WSO2 Carbon started in %d sec (simulated)", int(s.Env.Boot.Seconds())))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
