package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// issuer is an OpenID Connect issuer.
type issuer struct {
	t      *testing.T
	server *httptest.Server
	caFile string

	mu        sync.Mutex
	published []any // keys of the set: jose.JSONWebKey, or what else there should be
	down      bool
	discovery map[string]any // what the discovery document says besides
	asked     int
	hang      chan struct{} // if there is one, no answer comes before it is closed
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, discovery: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /realm/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		i.asked++
		hang := i.hang
		i.mu.Unlock()
		if hang != nil {
			<-hang
		}
		document := map[string]any{"issuer": i.url(), "jwks_uri": i.server.URL + "/keys"}
		maps.Copy(document, i.discovery)
		i.answer(w, document)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		set := map[string]any{"keys": i.published}
		i.mu.Unlock()
		i.answer(w, set)
	})
	mux.Handle("GET /elsewhere", http.RedirectHandler("/keys", http.StatusFound))
	i.server = httptest.NewTLSServer(mux)
	t.Cleanup(i.server.Close)
	i.caFile = filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
	if err := os.WriteFile(i.caFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *issuer) answer(w http.ResponseWriter, document any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.down {
		http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}

func (i *issuer) url() string { return i.server.URL + "/realm" }

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// publish makes the keys those of the issuer, and no others.
func (i *issuer) publish(keys ...signer) {
	i.set(func() {
		i.published = nil
		for _, key := range keys {
			i.published = append(i.published, jose.JSONWebKey{Key: key.private.Public(), KeyID: key.id, Use: "sig"})
		}
	})
}

// signer is a key that signs tokens.
type signer struct {
	id      string
	method  jwt.SigningMethod
	private crypto.Signer
}

func newSigner(t *testing.T, id string, method jwt.SigningMethod) signer {
	t.Helper()
	var private crypto.Signer
	var err error
	switch method {
	case jwt.SigningMethodES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwt.SigningMethodEdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, method, private}
}

// token is signed with the claims; header holds more headers, or other ones.
func (s signer) token(t *testing.T, claims jwt.MapClaims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(s.method, claims)
	token.Header["kid"] = s.id
	maps.Copy(token.Header, header)
	text, err := token.SignedString(s.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// claims are good ones at the time, with changes: nil leaves a claim out.
func (i *issuer) claims(now time.Time, changes jwt.MapClaims) jwt.MapClaims {
	all := jwt.MapClaims{"iss": i.url(), "aud": []string{"other", "lockstep"}, "sub": "f81d4fae", "name": "jane", "groups": []string{"developers"},
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

// file is an access file for the issuer.
func (i *issuer) file(more string) string {
	return tokensFile("oidc:\n  issuer: " + i.url() + "\n  audience: lockstep\n  usernameClaim: name\n  caFile: " + i.caFile + "\n" + more + `  grants:
  - {group: platform, role: admin, environments: ["*"]}
  - {group: developers, role: operator, environments: [dev, "test-*"]}
  - {group: developers, role: reader, environments: ["*"]}
`)
}
