package rest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lockstep/internal/failure"
	"lockstep/internal/rest"
)

func TestEveryAnswerThatIsNoneIsAFailureOfItsKind(t *testing.T) {
	const own = `{"code":900300,"message":"no"}`
	for name, test := range map[string]struct {
		status int
		body   string
		kind   failure.Kind
		final  bool
	}{
		"a refused password":               {401, "", failure.Unauthorized, true},
		"a missing role":                   {403, own, failure.Unauthorized, true},
		"a key manager of that name":       {409, own, failure.Conflict, true},
		"a key manager in use":             {412, own, failure.Conflict, true},
		"a web application that is not up": {404, "<html>", failure.Unavailable, false},
		"a key manager that is gone":       {404, own, failure.Refused, true},
		"a product that is busy":           {429, "", failure.Unavailable, false},
		"a product that is starting":       {500, "", failure.Unavailable, false},
		"a request that is refused":        {400, own, failure.Refused, true},
		"a page in place of an answer":     {200, "<html>", failure.Refused, true},
	} {
		t.Run(name, func(t *testing.T) {
			var answer any
			err := client(t, answering(test.status, "application/json", test.body)).Do(context.Background(), rest.Request{Method: "GET", Path: "/x"}, &answer)
			if failure.KindOf(err) != test.kind || failure.IsRetryable(err) == test.final {
				t.Errorf("got %v of kind %s", err, failure.KindOf(err))
			}
		})
	}
}

func TestARefusedLoginSaysWhereThePasswordComesFrom(t *testing.T) {
	refusing := client(t, answering(401, "", ""))
	login := refusing.Do(context.Background(), rest.Request{Method: "POST", Path: "/x", Login: true}, nil)
	if !strings.Contains(login.Error(), "credentials Secret") {
		t.Error(login)
	}
	other := refusing.Do(context.Background(), rest.Request{Method: "POST", Path: "/x"}, nil)
	if strings.Contains(other.Error(), "credentials Secret") || !strings.Contains(other.Error(), "admin role") {
		t.Error(other)
	}
}

func TestACertificateThatIsNotTheProductsIsFinal(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, config := range map[string]*tls.Config{
		"an unknown authority": {RootCAs: x509.NewCertPool()},
		"another name":         {RootCAs: trusting, ServerName: "apim.example.test"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &rest.Client{Base: server.URL, Product: "API Manager", Untrusted: "put the CA back", HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: config}}}
			err := c.Do(context.Background(), rest.Request{Method: http.MethodGet}, nil)
			if !failure.Is(err, failure.Refused) || failure.IsRetryable(err) || !strings.HasSuffix(err.Error(), "Next: put the CA back") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatFailsOnTheWayToAProductStaysWhatItIs(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		kind  failure.Kind
		final bool
	}{
		"a Service that is not there": {failure.Final(failure.NotFound, "no Service"), failure.NotFound, true},
		"a connection that breaks":    {errors.New("EOF"), failure.Unavailable, false},
		"the cluster's certificate":   {&failure.Error{Kind: failure.InvalidConfig, Cause: x509.UnknownAuthorityError{}}, failure.InvalidConfig, true},
	} {
		c := rest.Client{Base: "https://internal.example:9443", Product: "Identity Server", HTTP: &http.Client{Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, test.err }}}}
		err := c.Do(context.Background(), rest.Request{Method: "GET", Path: "/x"}, nil)
		if failure.KindOf(err) != test.kind || failure.IsRetryable(err) == test.final || !errors.Is(err, test.err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
