package activities

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"lockstep/internal/apim"
	failures "lockstep/internal/failure"
	"lockstep/internal/rest"
	"lockstep/test/apimtest"
)

func wantRefused(t *testing.T, err error, text string) {
	t.Helper()
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != TypeRefused || !app.NonRetryable() || !strings.Contains(app.Message(), text) {
		t.Errorf("got %v, want a final refusal with %q", err, text)
	}
}

func TestACertificateThatIsNotTheEnvironmentsIsFinal(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, config := range map[string]*tls.Config{
		"an unknown authority": {RootCAs: x509.NewCertPool()},
		"another name":         {RootCAs: trusting, ServerName: "apim.example.test"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &rest.Client{Base: server.URL, Product: "API Manager", HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: config}}}
			wantRefused(t, classifyProduct(c.Do(context.Background(), rest.Request{Method: http.MethodGet}, nil)), "ConfigMap "+CAConfigMap)
		})
	}
	err := classifyProduct(&failures.Error{Kind: failures.InvalidConfig, Doing: "reading", Cause: x509.UnknownAuthorityError{}})
	if !strings.Contains(err.Error(), "reading") || strings.Contains(err.Error(), CAConfigMap) {
		t.Errorf("the cluster's own certificate: %v", err)
	}
}

func TestAnAPIManagerThatCannotDoWhatIsNeededIsFinal(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx := context.Background()
	wantRefused(t, classifyProduct(w.Client().CheckConnector(ctx, nil)), "requires the property")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer page.Close()
	c := apim.New(apim.Options{Base: page.URL, HTTP: page.Client(), ClientName: "lockstep"})
	_, err := c.KeyManagers(ctx)
	wantRefused(t, classifyProduct(err), "not the JSON it should be")
}
