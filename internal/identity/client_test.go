package identity_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lockstep/internal/identity"
	"lockstep/internal/rest"
	"lockstep/test/apimtest"
)

func TestIdentityServerTellsItsHealthAndIssuer(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Identity()
	if err := c.Health(ctx); err != nil {
		t.Error(err)
	}
	got, err := c.Discovery(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got.Issuer != apimtest.Public+"/oauth2/token" {
		t.Errorf("issuer is %q: the public host without a port, as its HTTPS proxy port is 443", got.Issuer)
	}
}

func TestADiscoveryDocumentWithoutIssuerIsNotIdentityServers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
	defer server.Close()
	_, err := identity.New(identity.Options{Base: server.URL, HTTP: server.Client()}).Discovery(context.Background())
	if err == nil || !strings.Contains(err.Error(), "check that this is Identity Server 7") {
		t.Errorf("got %v", err)
	}
}

func TestTheAdminPasswordIsTriedWithoutBeingShown(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	if err := w.Identity().Authenticates(context.Background()); err != nil {
		t.Error(err)
	}
	err := w.IdentityAs("admin", "wrong password").Authenticates(context.Background())
	if rest.Status(err) != http.StatusUnauthorized || strings.Contains(err.Error(), "wrong password") {
		t.Errorf("got %v", err)
	}
}

func TestATokenIsActiveUntilItIsRevoked(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	manager := w.Register(t, apimtest.KeyManager())
	ctx, c := context.Background(), w.Identity()
	app, err := w.Client().CreateApplication(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := w.Client().GenerateKeys(ctx, app, manager.ID())
	if err != nil {
		t.Fatal(err)
	}
	token, err := c.Token(ctx, keys.ConsumerKey, keys.ConsumerSecret)
	if err != nil {
		t.Fatal(err)
	}
	checkActive(t, c, token, true)
	if err := c.Revoke(ctx, keys.ConsumerKey, keys.ConsumerSecret, token); err != nil {
		t.Fatal(err)
	}
	checkActive(t, c, token, false)
	if _, err := c.Token(ctx, keys.ConsumerKey, "wrong secret"); rest.Status(err) != http.StatusUnauthorized || strings.Contains(err.Error(), "wrong secret") {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func checkActive(t *testing.T, c *identity.Client, token string, want bool) {
	t.Helper()
	active, err := c.Active(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	if active != want {
		t.Errorf("the token is active: %v", active)
	}
}
