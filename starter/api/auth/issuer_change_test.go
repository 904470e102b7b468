package auth

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"lockstep/starter/api/auth/jwks"
)

func TestAnotherIssuerInTheAccessFileReplacesTheOneBefore(t *testing.T) {
	first, second, key := newIssuer(t), newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	first.publish(key)
	another := newSigner(t, "k1", jwt.SigningMethodES256)
	second.publish(another)
	g := newGate(t, first.file(""))
	old := key.token(t, first.claims(g.clock.Now(), nil), nil)
	lets(t, g.ask(old, nil), `user "jane" operator`)
	g.write(second.file(""))
	g.clock.pass(time.Second)
	refuses(t, g.ask(old, nil), 401, "comes from another issuer")
	lets(t, g.ask(another.token(t, second.claims(g.clock.Now(), nil), nil), nil), `user "jane" operator`)
}

func TestANewCAOfTheIssuerIsReadThoughTheAccessFileStaysAsItIs(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	right, err := os.ReadFile(i.caFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(i.caFile, anotherCA(t), 0o600); err != nil {
		t.Fatal(err)
	}
	g := newGate(t, i.file(""))
	token := key.token(t, i.claims(g.clock.Now(), nil), nil)
	refuses(t, g.ask(token, nil), 503, "cannot be fetched")
	if err := os.WriteFile(i.caFile, right, 0o600); err != nil {
		t.Fatal(err)
	}
	g.clock.pass(time.Second)
	lets(t, g.ask(token, nil), `user "jane" operator`)
}

func TestAKeyIsForTheAlgorithmThatItIsPublishedWith(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodRS256)
	i.set(func() {
		i.published = []any{jose.JSONWebKey{Key: key.private.Public(), KeyID: "k1", Algorithm: "RS256"}}
	})
	g := newGate(t, i.file(""))
	claims := i.claims(g.clock.Now(), nil)
	lets(t, g.ask(key.token(t, claims, nil), nil), `user "jane" operator`)
	key.method = jwt.SigningMethodPS256
	refuses(t, g.ask(key.token(t, claims, nil), nil), 401, "algorithm does not match its key")
}

func TestAnIssuerThatIsDownIsNoFailureOfItsUsers(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	i.set(func() { i.down = true })
	g := newGate(t, i.file("")+"limits: {failuresPerMinute: 2}\n")
	token := key.token(t, i.claims(g.clock.Now(), nil), nil)
	for range 5 {
		refuses(t, g.ask(token, nil), 503, "cannot be fetched")
	}
}

func TestAStreamOutlastsTheIssuerButNotItsToken(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file(""))
	ctx := t.Context()
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+key.token(t, i.claims(g.clock.Now(), jwt.MapClaims{"exp": g.clock.Now().Add(2 * jwks.Stale).Unix()}), nil))
	g.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).ServeHTTP(httptest.NewRecorder(), r)
	i.server.Close()
	g.clock.pass(jwks.Stale + time.Hour)
	if identity, err := g.Recheck(ctx); err != nil || identity.Name != "jane" {
		t.Errorf("%v %v", identity, err)
	}
	g.clock.pass(jwks.Stale)
	if _, err := g.Recheck(ctx); err == nil {
		t.Error("the stream goes on after its token has expired")
	}
}

// anotherCA is a certificate, in PEM: the servers of httptest share one.
func anotherCA(t *testing.T) []byte {
	t.Helper()
	key := newSigner(t, "", jwt.SigningMethodES256).private
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "another CA"}}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}
