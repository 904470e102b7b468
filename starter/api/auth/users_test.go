package auth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"lockstep/starter/api/auth/jwks"
)

func TestAUserMayWhatTheirGroupsMay(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file(""))
	for _, test := range []struct {
		name   string
		claims jwt.MapClaims
		who    string
	}{
		{"one group", nil, `user "jane" operator`},
		{"the greatest of several", jwt.MapClaims{"groups": []string{"developers", "platform"}}, `user "jane" admin`},
		{"a claim that is one text", jwt.MapClaims{"groups": "platform"}, `user "jane" admin`},
		{"a group without grant", jwt.MapClaims{"groups": []string{"Platform", "sales"}}, `user "jane" none`},
		{"no groups", jwt.MapClaims{"groups": nil}, `user "jane" none`},
		{"groups of another kind", jwt.MapClaims{"groups": map[string]any{"platform": true}}, `user "jane" none`},
		{"one audience", jwt.MapClaims{"aud": "lockstep"}, `user "jane" operator`},
		{"without a name", jwt.MapClaims{"name": nil}, `user "f81d4fae" operator`},
	} {
		t.Run(test.name, func(t *testing.T) {
			lets(t, g.ask(key.token(t, i.claims(g.clock.Now(), test.claims), nil), nil), test.who)
		})
	}
	if i.asked != 1 {
		t.Errorf("the issuer was asked %d times", i.asked)
	}
}

func TestEveryAsymmetricAlgorithmIsTakenUnlessTheFileSaysOthers(t *testing.T) {
	i := newIssuer(t)
	signers := []signer{newSigner(t, "rs", jwt.SigningMethodRS256), newSigner(t, "ps", jwt.SigningMethodPS256),
		newSigner(t, "es", jwt.SigningMethodES256), newSigner(t, "ed", jwt.SigningMethodEdDSA)}
	i.publish(signers...)
	all, one := newGate(t, i.file("")), newGate(t, i.file("  algorithms: [ES256]\n"))
	for _, s := range signers {
		token := s.token(t, i.claims(all.clock.Now(), nil), nil)
		lets(t, all.ask(token, nil), `user "jane" operator`)
		if s.id == "es" {
			lets(t, one.ask(token, nil), `user "jane" operator`)
		} else {
			refuses(t, one.ask(token, nil), 401, "with an algorithm that this API accepts")
		}
	}
}

func TestATokenThatIsNotGoodIsRefusedWithWhatIsWrong(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodRS256)
	stranger := newSigner(t, "k1", jwt.SigningMethodRS256) // another key that says it is this one
	i.publish(key)
	g := newGate(t, i.file("")+"limits: {failuresPerMinute: 100}\n")
	now := g.clock.Now()
	good := i.claims(now, nil)
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, good).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	shared := jwt.NewWithClaims(jwt.SigningMethodHS256, good)
	shared.Header["kid"] = "k1"
	public, err := jose.JSONWebKey{Key: key.private.Public()}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	withPublicKey, err := shared.SignedString(public)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(key.token(t, good, nil), ".")
	admin := strings.Split(key.token(t, i.claims(now, jwt.MapClaims{"groups": "platform"}), nil), ".")
	for _, test := range []struct {
		name, token, says string
	}{
		{"expired", key.token(t, i.claims(now, jwt.MapClaims{"exp": now.Add(-time.Minute).Unix()}), nil), "the token expired at 2026-11-22T11:59:00Z"},
		{"not valid yet", key.token(t, i.claims(now, jwt.MapClaims{"nbf": now.Add(2 * time.Minute).Unix()}), nil), "is not valid yet; compare the clocks"},
		{"for ever", key.token(t, i.claims(now, jwt.MapClaims{"exp": nil}), nil), "lacks a readable claim"},
		{"of nobody", key.token(t, i.claims(now, jwt.MapClaims{"sub": nil}), nil), "has no claim sub"},
		{"for another audience", key.token(t, i.claims(now, jwt.MapClaims{"aud": "billing"}), nil), "is for another audience"},
		{"for no audience", key.token(t, i.claims(now, jwt.MapClaims{"aud": nil}), nil), "lacks a readable claim"},
		{"of another issuer", key.token(t, i.claims(now, jwt.MapClaims{"iss": i.url() + "/"}), nil), "comes from another issuer"},
		{"of no issuer", key.token(t, i.claims(now, jwt.MapClaims{"iss": nil}), nil), "comes from another issuer"},
		{"unsigned", unsigned, "with an algorithm that this API accepts"},
		{"signed with the public key as a shared secret", withPublicKey, "with an algorithm that this API accepts"},
		{"signed by a stranger", stranger.token(t, good, nil), "the token is not signed by"},
		{"other claims under the signature", parts[0] + "." + admin[1] + "." + parts[2], "the token is not signed by"},
		{"signature cut off", parts[0] + "." + parts[1] + ".", "the token is not signed by"},
		{"with critical headers", key.token(t, good, map[string]any{"crit": []string{"b64"}, "b64": false}), "critical headers"},
		{"no JWT", "a.b.c", "is not a JWT"},
		{"another algorithm of the same key", signer{"k1", jwt.SigningMethodES256, newSigner(t, "", jwt.SigningMethodES256).private}.token(t, good, nil), "the token is not signed by"},
	} {
		t.Run(test.name, func(t *testing.T) { refuses(t, g.ask(test.token, nil), 401, test.says) })
	}
	if i.asked != 1 {
		t.Errorf("the issuer was asked %d times", i.asked)
	}
}

func TestClocksMayDifferByTheSkew(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file("  clockSkew: 30s\n"))
	now := g.clock.Now()
	lets(t, g.ask(key.token(t, i.claims(now, jwt.MapClaims{"exp": now.Add(-29 * time.Second).Unix(), "nbf": now.Add(29 * time.Second).Unix()}), nil), nil), `user "jane" operator`)
	refuses(t, g.ask(key.token(t, i.claims(now, jwt.MapClaims{"exp": now.Add(-31 * time.Second).Unix()}), nil), nil), 401, "expired")
	refuses(t, g.ask(key.token(t, i.claims(now, jwt.MapClaims{"nbf": now.Add(31 * time.Second).Unix()}), nil), nil), 401, "not valid yet")
}

func TestANewKeyOfTheIssuerIsFoundAndAWithdrawnOneForgotten(t *testing.T) {
	i, first, second := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256), newSigner(t, "k2", jwt.SigningMethodES256)
	i.publish(first)
	g := newGate(t, i.file(""))
	claims := i.claims(g.clock.Now(), nil)
	lets(t, g.ask(first.token(t, claims, nil), nil), `user "jane" operator`)
	i.publish(second)
	g.clock.pass(jwks.Pause)
	lets(t, g.ask(second.token(t, claims, nil), nil), `user "jane" operator`)
	refuses(t, g.ask(first.token(t, claims, nil), nil), 401, "does not publish")
	if i.asked != 2 {
		t.Errorf("the issuer was asked %d times", i.asked)
	}
}

func TestAWithdrawnKeyIsForgottenThoughNobodyNamesAnother(t *testing.T) {
	i, first, second := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256), newSigner(t, "k2", jwt.SigningMethodES256)
	i.publish(first)
	g := newGate(t, i.file(""))
	claims := i.claims(g.clock.Now(), nil)
	lets(t, g.ask(first.token(t, claims, nil), nil), `user "jane" operator`)
	i.publish(second)
	g.clock.pass(jwks.Fresh + time.Second)
	refuses(t, g.ask(first.token(t, claims, nil), nil), 401, "does not publish")
}

func TestTokensWithUnknownKeysDoNotMakeAFloodAtTheIssuer(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file("")+"limits: {failuresPerMinute: 1000}\n")
	claims := i.claims(g.clock.Now(), nil)
	for range 50 {
		refuses(t, g.ask(key.token(t, claims, map[string]any{"kid": "other"}), nil), 401, "does not publish")
	}
	if i.asked != 1 {
		t.Errorf("the issuer was asked %d times", i.asked)
	}
	lets(t, g.ask(key.token(t, claims, nil), nil), `user "jane" operator`)
}

func TestAnIssuerThatIsDownIsNoFaultOfTheToken(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	i.set(func() { i.down = true })
	g := newGate(t, i.file(""))
	token := key.token(t, i.claims(g.clock.Now(), nil), nil)
	w := g.ask(token, nil)
	refuses(t, w, 503, "cannot be fetched")
	if w.Header().Get("Retry-After") != "10" {
		t.Errorf("headers: %v", w.Header())
	}
	refuses(t, g.ask(token, nil), 503, "cannot be fetched")
	if i.asked != 1 {
		t.Errorf("the issuer was asked %d times", i.asked)
	}
	lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	if !strings.Contains(g.log.String(), "The issuer's keys could not be fetched") || !strings.Contains(g.log.String(), "503") {
		t.Errorf("log:\n%s", g.log)
	}
	i.set(func() { i.down = false })
	g.clock.pass(jwks.Pause)
	lets(t, g.ask(token, nil), `user "jane" operator`)
}

func TestKnownKeysServeForADayWhileTheIssuerIsDown(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file(""))
	token := key.token(t, i.claims(g.clock.Now(), jwt.MapClaims{"exp": g.clock.Now().Add(48 * time.Hour).Unix()}), nil)
	lets(t, g.ask(token, nil), `user "jane" operator`)
	i.server.Close()
	g.clock.pass(jwks.Stale - time.Minute)
	lets(t, g.ask(token, nil), `user "jane" operator`)
	refuses(t, g.ask(key.token(t, i.claims(g.clock.Now(), nil), map[string]any{"kid": "k2"}), nil), 503, "cannot be fetched")
	g.clock.pass(2 * time.Minute)
	refuses(t, g.ask(token, nil), 503, "cannot be fetched")
}

func TestNobodyWithAKnownKeyWaitsForAnIssuerThatHangs(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file(""))
	g.current().users.keys.Client.Timeout = 0 // so that whoever waits does so for ever
	token := key.token(t, i.claims(g.clock.Now(), nil), nil)
	lets(t, g.ask(token, nil), `user "jane" operator`)
	i.set(func() { i.down = true })
	g.clock.pass(jwks.Fresh + time.Second)
	lets(t, g.ask(token, nil), `user "jane" operator`)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	i.set(func() { i.down, i.hang = false, hang })
	g.clock.pass(jwks.Pause)
	lets(t, g.ask(token, nil), `user "jane" operator`)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	other := key.token(t, i.claims(g.clock.Now(), nil), map[string]any{"kid": "k2"})
	refuses(t, g.ask(other, func(r *http.Request) { *r = *r.WithContext(ctx) }), 503, "the request ended before the issuer")
}

func TestATokenMayLeaveItsKeyOutIfThereIsOnlyOne(t *testing.T) {
	i, key, other := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256), newSigner(t, "k2", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file(""))
	token := key.token(t, i.claims(g.clock.Now(), nil), map[string]any{"kid": ""})
	lets(t, g.ask(token, nil), `user "jane" operator`)
	i.publish(key, other)
	g.clock.pass(jwks.Fresh + time.Second)
	refuses(t, g.ask(token, nil), 401, "does not publish")
}

func TestTheIssuerIsAskedOnceByManyAtATime(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file(""))
	token := key.token(t, i.claims(g.clock.Now(), nil), nil)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { lets(t, g.ask(token, nil), `user "jane" operator`) })
	}
	all.Wait()
	if i.asked != 1 {
		t.Errorf("the issuer was asked %d times", i.asked)
	}
}

func TestAnIssuerThatCannotBeTrustedIsNotTrusted(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(*issuer)
		log  string
	}{
		{"discovery for another issuer", func(i *issuer) { i.discovery["issuer"] = "https://elsewhere.example.com" }, "https://elsewhere.example.com"},
		{"keys without TLS", func(i *issuer) { i.discovery["jwks_uri"] = "http://" + i.server.Listener.Addr().String() + "/keys" }, "must be an https URL"},
		{"no keys", func(i *issuer) { i.published = nil }, "no public key"},
		{"a shared secret among the keys", func(i *issuer) {
			i.published = []any{jose.JSONWebKey{Key: []byte("secret"), KeyID: "k1"}}
		}, "no public key"},
		{"a key for encryption", func(i *issuer) {
			key := i.published[0].(jose.JSONWebKey)
			key.Use = "enc"
			i.published = []any{key}
		}, "no public key"},
		{"keys by a redirect", func(i *issuer) { i.discovery["jwks_uri"] = i.server.URL + "/elsewhere" }, "redirects elsewhere"},
		{"keys where nobody answers", func(i *issuer) { i.discovery["jwks_uri"] = "https://localhost:1/keys" }, "refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
			i.publish(key)
			i.set(func() { test.set(i) })
			g := newGate(t, i.file(""))
			refuses(t, g.ask(key.token(t, i.claims(g.clock.Now(), nil), nil), nil), 503, "cannot be fetched")
			if !strings.Contains(g.log.String(), test.log) {
				t.Errorf("log:\n%s", g.log)
			}
		})
	}
}

func TestAKeyOfAnUnknownKindDoesNotHideTheOthers(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	i.set(func() {
		i.published = append([]any{map[string]any{"kty": "AKP", "kid": "pq", "alg": "ML-DSA-65"}, map[string]any{"kty": "EC", "crv": "secp256k1"}}, i.published...)
	})
	g := newGate(t, i.file(""))
	lets(t, g.ask(key.token(t, i.claims(g.clock.Now(), nil), nil), nil), `user "jane" operator`)
}

func TestTheIssuersCertificateIsChecked(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, strings.Replace(i.file(""), "  caFile: "+i.caFile+"\n", "", 1))
	refuses(t, g.ask(key.token(t, i.claims(g.clock.Now(), nil), nil), nil), 503, "cannot be fetched")
	if !strings.Contains(g.log.String(), "certificate") {
		t.Errorf("log:\n%s", g.log)
	}
}

func TestOtherGrantsOfGroupsKeepTheKeysThatWereFetched(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file(""))
	token := key.token(t, i.claims(g.clock.Now(), nil), nil)
	lets(t, g.ask(token, nil), `user "jane" operator`)
	g.write(strings.ReplaceAll(i.file(""), "role: operator, environments: [dev, ", "role: admin, environments: [dev, "))
	g.clock.pass(time.Second)
	lets(t, g.ask(token, nil), `user "jane" admin`)
	if i.asked != 1 {
		t.Errorf("the issuer was asked %d times", i.asked)
	}
}

func TestAStreamOfAUserEndsWhenTheTokenExpires(t *testing.T) {
	i, key := newIssuer(t), newSigner(t, "k1", jwt.SigningMethodES256)
	i.publish(key)
	g := newGate(t, i.file(""))
	ctx := t.Context()
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+key.token(t, i.claims(g.clock.Now(), nil), nil))
	g.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).ServeHTTP(httptest.NewRecorder(), r)
	if identity, err := g.Recheck(ctx); err != nil || !identity.Expires.Equal(g.clock.Now().Add(time.Hour+time.Minute)) {
		t.Errorf("%v %v", identity, err)
	}
	i.server.Close()
	g.clock.pass(time.Hour)
	if _, err := g.Recheck(ctx); err != nil {
		t.Errorf("while the issuer is down: %v", err)
	}
	g.clock.pass(time.Minute)
	if _, err := g.Recheck(ctx); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("after it expired: %v", err)
	}
}
