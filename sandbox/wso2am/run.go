// Package wso2am is the sandbox's simulated WSO2 API Manager 4.7, all in one: the administration, publisher and
// developer APIs that an environment is built and verified with, the resident key manager behind them, and a gateway
// that really verifies tokens of registered key managers. It keeps the real one's traps: registrations that propagate
// late, key mappings that leak, secrets masked as *****, notifications that are accepted and ignored.
//
// State is in memory, as the real image's H2 databases live in the container's file system: a restart forgets all.
package wso2am

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/simulate"
	"lockstep/sandbox/wso2am/health"
	"lockstep/sandbox/wso2am/keymanager"
	"lockstep/sandbox/wso2am/resident"
)

// Run runs API Manager in a pod until ctx ends. An error is a crash of the server.
func Run(ctx context.Context, env simulate.Env) error {
	base, err := carbon.New(env, carbon.Product{
		Program: "wso2am", Title: "WSO2 API Manager-4.7.0", StoreType: "JKS", StoreSuffix: ".jks", Prepare: copyDatabase,
	})
	if err != nil {
		return carbon.End(ctx, env, err)
	}
	if err := checkEncryptionKey(base.Config); err != nil {
		return err
	}
	s := newServer(ctx, base)
	if err := base.Boot(ctx); err != nil {
		return nil // stopped while booting
	}
	gateway, websocket := s.gatewayRoutes(), health.WebSocket()
	return base.Serve(ctx,
		carbon.Port{Number: 9443, Handler: s.routes()},
		carbon.Port{Number: 9763, Handler: s.services(), Plain: true},
		carbon.Port{Number: 8243, Handler: gateway},
		carbon.Port{Number: 8280, Handler: gateway, Plain: true},
		carbon.Port{Number: 8099, Handler: websocket},
		carbon.Port{Number: 9099, Handler: websocket, Plain: true},
		carbon.Port{Number: 8021, Handler: websocket},
		carbon.Port{Number: 9021, Handler: websocket, Plain: true},
	)
}

// copyDatabase is what the entrypoint of the API Manager chart does under set -e: file and folder must be in the image.
func copyDatabase(env simulate.Env, home string) error {
	const name = "WSO2CARBON_DB.mv.db"
	folder := path.Join(carbon.WorkingDirectory(env.Getenv), "solr", "database")
	if carbon.Exists(env, folder, name) {
		return nil
	}
	source, err := os.Open(path.Join(home, "repository", "database", name))
	if err != nil {
		return fmt.Errorf("cp: cannot stat '%s/repository/database/%s': No such file or directory",
			env.Getenv("WSO2_SERVER_HOME"), name)
	}
	defer source.Close()
	target, err := os.Create(env.Path(path.Join(folder, name)))
	if err != nil {
		return fmt.Errorf("cp: cannot create regular file '%s/': No such file or directory", folder)
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

var encryptionKey = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

func checkEncryptionKey(config *carbon.Config) error {
	if config.Has("encryption") && !encryptionKey.MatchString(config.String("encryption.key", "")) {
		return errors.New("java.security.InvalidKeyException: " +
			"encryption.key must be 32 bytes in hex")
	}
	return nil
}

type server struct {
	*carbon.Server
	ctx          context.Context // ends what goes on in the background
	settings     settings
	store        *store
	resident     *resident.Server
	keyManagers  *http.Client // for calls to key managers and backends
	jwks         keymanager.JWKS
	environments []environment
}

func newServer(ctx context.Context, base *carbon.Server) *server {
	s := &server{
		Server:       base,
		ctx:          ctx,
		settings:     readSettings(base.Env.Getenv),
		store:        newStore(),
		keyManagers:  base.Client(carbon.ClientConfig{AnyHostname: true}), // api-manager.sh: hostnameVerifier=AllowAll
		environments: readEnvironments(base.Config),
	}
	s.resident = resident.New(base, s.issuer(), s.settings.registrationFailures, func(jti string, until time.Time) {
		s.later(s.settings.revocation, func() { s.store.revoke(jti, until) })
	})
	if !base.Config.Bool("apim.key_manager.skip_create_resident_key_manager") {
		s.store.addResident(s.issuer())
	}
	return s
}

// issuer is that of the resident key manager.
func (s *server) issuer() string {
	return "https://" + strings.ToLower(s.Config.String("server.hostname", "localhost")) + "/oauth2/token"
}

// environment is one [[apim.gateway.environment]].
type environment struct{ name, vhost string }

func readEnvironments(config *carbon.Config) []environment {
	var found []environment
	for _, table := range config.Tables("apim.gateway.environment") {
		endpoint, err := url.Parse(config.Resolve(table.String("https_endpoint")))
		if err == nil {
			found = append(found, environment{name: table.String("name"), vhost: endpoint.Hostname()})
		}
	}
	if found == nil {
		return []environment{{name: "Default", vhost: "localhost"}}
	}
	return found
}

// routes are those of the servlet transport.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	health.Services(mux, s.Title)
	s.resident.Routes(mux)
	s.keyManagerRoutes(mux)
	s.adminRoutes(mux)
	s.apiRoutes(mux)
	s.revisionRoutes(mux)
	s.applicationRoutes(mux)
	s.keyRoutes(mux)
	s.subscriptionRoutes(mux)
	mux.HandleFunc("POST /internal/data/v1/notify", s.notify)
	for path, title := range map[string]string{
		"publisher": "Publisher", "devportal": "Developer Portal", "admin": "Admin Portal", "carbon": "Management Console",
	} {
		mux.HandleFunc("GET /"+path, carbon.Page("API Manager "+title))
		mux.HandleFunc("GET /"+path+"/", carbon.Page("API Manager "+title))
	}
	return mux
}

// services are the routes of the servlet transport that need no TLS.
func (s *server) services() http.Handler {
	mux := http.NewServeMux()
	health.Services(mux, s.Title)
	return mux
}
