// Package wso2is is the sandbox's simulated WSO2 Identity Server 7.2: what an API Manager with the WSO2-IS-7 connector,
// Lockstep and a health probe use of it. It is strict where the real one is, and silent where the real one is: it tells
// API Manager of a revoked token only if jar, listener, trust and names are all right, and does not say why not.
//
// State is in memory, as the real image's H2 databases live in the container's file system: a restart forgets all.
package wso2is

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/simulate"
)

// Run runs Identity Server in a pod until ctx ends. An error is a crash of the server.
func Run(ctx context.Context, env simulate.Env) error {
	base, err := carbon.New(env, carbon.Product{
		Program: "wso2is", Title: "WSO2 Identity Server-7.2.0", StoreType: "PKCS12", StoreSuffix: ".p12",
	})
	if err != nil {
		return carbon.End(ctx, env, err)
	}
	if err := checkEncryptionKey(base.Config); err != nil {
		return err
	}
	s := newServer(base)
	if err := base.Boot(ctx); err != nil {
		return nil // stopped while booting
	}
	err = base.Serve(ctx, carbon.Port{Number: 9443, Handler: s.routes()})
	s.notifier.wait()
	return err
}

var encryptionKey = regexp.MustCompile(`^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{48}|[0-9A-Fa-f]{64})$`)

func checkEncryptionKey(config *carbon.Config) error {
	if key := config.String("encryption.key", ""); key != "" && !encryptionKey.MatchString(key) {
		return errors.New("java.security.InvalidKeyException: " +
			"encryption.key must be an AES key of 16, 24 or 32 bytes in hex")
	}
	return nil
}

type server struct {
	*carbon.Server
	public   string // https://<server.hostname>[:port]
	store    *store
	notifier *notifier
	options  options
}

// options are what deployment.toml decides beyond Carbon.
type options struct {
	authorizeAllScopes bool
	systemRoles        bool // [role_mgt] allow_system_prefix_for_role
	scimMe             bool // any token may read /scim2/Me
}

func newServer(base *carbon.Server) *server {
	return &server{
		Server:   base,
		public:   publicURL(base.Config, base.Offset),
		store:    newStore(),
		notifier: newNotifier(base),
		options: options{
			authorizeAllScopes: base.Config.Bool("oauth.authorize_all_scopes"),
			systemRoles:        base.Config.Bool("role_mgt.allow_system_prefix_for_role"),
			scimMe:             opensScimMe(base.Config.Tables("resource.access_control")),
		},
	}
}

// publicURL is built from server.hostname and the proxy port, as carbon-identity-framework's DefaultServiceURLBuilder
// does; 443 is left out. Token issuers and the well-known document carry it.
func publicURL(config *carbon.Config, offset int) string {
	host := strings.ToLower(config.String("server.hostname", "localhost"))
	port := config.Int("transport.https.properties.proxyPort", 9443+offset)
	if port == 443 {
		return "https://" + host
	}
	return fmt.Sprintf("https://%s:%d", host, port)
}

func (s *server) issuer() string { return s.public + "/oauth2/token" }

func opensScimMe(rules []carbon.Table) bool {
	for _, rule := range rules {
		context, err := regexp.Compile("^(?:" + rule.String("context") + ")$")
		method := strings.ToUpper(rule.String("http_method"))
		scopes, _ := rule["scopes"].([]any)
		permissions, _ := rule["permissions"].([]any)
		if err == nil && context.MatchString("/scim2/Me") && (method == "GET" || method == "ALL") &&
			len(scopes) == 0 && len(permissions) == 0 {
			return true
		}
	}
	return false
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	s.discoveryRoutes(mux)
	s.oauthRoutes(mux)
	s.registrationRoutes(mux)
	s.resourceRoutes(mux)
	s.roleRoutes(mux)
	s.scopeRoutes(mux)
	mux.HandleFunc("GET "+applicationsPath, s.admin(s.listApplications))
	mux.HandleFunc("GET /scim2/Me", s.me)
	mux.HandleFunc("GET /console", carbon.Page("Identity Server Console"))
	mux.HandleFunc("GET /console/", carbon.Page("Identity Server Console"))
	mux.HandleFunc("GET /myaccount", carbon.Page("Identity Server My Account"))
	mux.HandleFunc("GET /myaccount/", carbon.Page("Identity Server My Account"))
	return mux
}

// admin lets only the super admin in.
func (s *server) admin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.Admin.Sent(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="WSO2 Identity Server"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}
