package rest_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/internal/rest"
)

func client(t *testing.T, handler http.HandlerFunc) *rest.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &rest.Client{Base: server.URL, HTTP: server.Client(), Product: "the product"}
}

func answering(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestRefusalsAreReadInTheirForms(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body string
		code, want string // want follows "the product answered GET /x with 400"
	}{
		"the REST APIs": {"application/json", `{"code":901402,"message":"Conflict","description":"Key Manager WSO2IS7 already exists","moreInfo":"","error":[]}`,
			"901402", " (901402): Conflict: Key Manager WSO2IS7 already exists"},
		"with single findings": {"application/json", `{"code":400,"message":"Bad Request","description":"Validation Error","error":[{"code":"400","message":"name: must not be null"}]}`,
			"400", " (400): Bad Request: Validation Error: name: must not be null"},
		"with a text said twice": {"application/json", `{"code":900967,"message":"General Error","description":"General Error"}`, "900967", " (900967): General Error"},
		"OAuth": {"application/json", `{"error":"invalid_client","error_description":"A valid OAuth client could not be found"}`,
			"invalid_client", " (invalid_client): A valid OAuth client could not be found"},
		"the gateway":                {"application/json", `{"code":"900901","message":"Invalid Credentials"}`, "900901", " (900901): Invalid Credentials"},
		"a proxy":                    {"text/plain", "upstream connect error\nor reset\n", "", ": upstream connect error or reset"},
		"a page":                     {"text/html", "<html>Error 400</html>", "", ""},
		"nothing":                    {"", "", "", ""},
		"an answer that never ends":  {"text/plain", strings.Repeat("é", 400), "", ": " + strings.Repeat("é", 250) + "…"},
		"JSON that is no object":     {"application/json", `["no"]`, "", ""},
		"fields of unexpected types": {"application/json", `{"code":true,"error":7}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := client(t, answering(400, c.kind, c.body)).Do(context.Background(), rest.Request{Method: "GET", Path: "/x"}, nil)
			if want := "the product answered GET /x with 400" + c.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if rest.Status(err) != 400 || rest.Code(err) != c.code {
				t.Errorf("status %d and code %q, not 400 and %q", rest.Status(err), rest.Code(err), c.code)
			}
		})
	}
}

func TestErrorsHoldNothingOfTheRequestThatIsSecret(t *testing.T) {
	secrets := []string{"s3cret-admin", base64.StdEncoding.EncodeToString([]byte("admin:s3cret-admin")), "s3cret-form", "s3cret-token", "s3cret-bearer", "s3cret-json"}
	echo := client(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+" s3cret-admin "+string(body))
	})
	for name, request := range map[string]rest.Request{
		"Basic": {Header: rest.Basic("admin", "s3cret-admin")},
		"form": {Header: rest.Basic("admin", "s3cret-admin"), Body: url.Values{"password": {"s3cret-form"}, "token": {"s3cret-token"},
			"grant_type": {"password"}}},
		"Bearer and JSON": {Header: http.Header{"Authorization": {"Bearer s3cret-bearer"}}, Body: []any{map[string]any{
			"additionalProperties": map[string]any{"Password": "s3cret-json", "x-password": "s3cret-admin"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			request.Method, request.Path = "POST", "/echo"
			err := echo.Do(context.Background(), request, nil)
			if rest.Status(err) != 400 || !strings.Contains(err.Error(), "…") {
				t.Fatalf("got %v", err)
			}
			for _, secret := range secrets {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in: %v", secret, err)
				}
			}
		})
	}
}

func TestTransportErrorsNameProductAndPathAndKeepTheirCause(t *testing.T) {
	refused := errors.New("no ready pod")
	c := rest.Client{Base: "https://internal.example:9443", Product: "Identity Server", HTTP: &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, refused }}}}
	err := c.Do(context.Background(), rest.Request{Method: "POST", Path: "/oauth2/token", Query: url.Values{"code": {"s3cret"}}}, nil)
	if !errors.Is(err, refused) || err.Error() != "calling Identity Server, POST /oauth2/token: no ready pod" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Do(ctx, rest.Request{Method: "GET", Path: "/"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call ends with %v", err)
	}
}

// What a product says is cut to a readable length: wherever that is, no part of a secret is left before it.
func TestARefusalIsCutOnlyWhenItHoldsNoSecretAnyMore(t *testing.T) {
	const secret, quoted = `s3"cret/with<all>&0123456789`, `s3\"cret/with<all>&0123456789`
	for _, form := range []string{secret, quoted, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte("admin:" + secret))} {
		for before := 500 - len(form) - 1; before <= 500; before++ {
			c := client(t, answering(400, "text/plain", strings.Repeat("x", before)+form+strings.Repeat("y", 100)))
			err := c.Do(context.Background(), rest.Request{Method: "POST", Path: "/x", Header: rest.Basic("admin", secret),
				Body: map[string]any{"settings": []any{map[string]any{"name": "Password", "value": secret}}}}, nil)
			said := rest.Refusal(err).Message
			if left := strings.Trim(said, "xy…"); strings.Contains(left, form[len(form)/2:][:4]) || len(left) > len(base64.StdEncoding.EncodeToString([]byte("admin:"))) {
				t.Fatalf("after %d characters of another text %q is left of %q", before, left, form)
			}
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	c := client(t, answering(200, "application/json", strings.Repeat(" ", 17<<20)))
	err := c.Do(context.Background(), rest.Request{Method: "GET", Path: "/x"}, nil)
	if err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestAnswersThatAreNotTheJSONExpectedAreErrors(t *testing.T) {
	var answer struct{ ID string }
	err := client(t, answering(200, "text/html", "<html>")).Do(context.Background(), rest.Request{Method: "GET", Path: "/x"}, &answer)
	if err == nil || !strings.Contains(err.Error(), "not the JSON it should be") {
		t.Errorf("got %v", err)
	}
	if err := client(t, answering(204, "", "")).Do(context.Background(), rest.Request{Method: "GET", Path: "/x"}, &answer); err != nil {
		t.Errorf("an empty answer: %v", err)
	}
}

func TestOnlyExpectedStatusesAreAccepted(t *testing.T) {
	c := client(t, answering(202, "application/json", "{}"))
	if err := c.Do(context.Background(), rest.Request{Method: "POST", Path: "/x"}, nil); err != nil {
		t.Errorf("any 2xx is fine where nothing is said: %v", err)
	}
	err := c.Do(context.Background(), rest.Request{Method: "POST", Path: "/x", Accept: []int{201}}, nil)
	if rest.Status(err) != 202 {
		t.Errorf("got %v, want a refusal of 202", err)
	}
}

func TestRedirectsAreRefusedAndNamed(t *testing.T) {
	var elsewhere atomic.Int32
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			elsewhere.Add(1)
		}
		http.Redirect(w, r, "/login?ticket=s3cret", http.StatusFound)
	})
	err := c.Do(context.Background(), rest.Request{Method: "GET", Path: "/api", Header: rest.Basic("admin", "password")}, nil)
	if rest.Status(err) != http.StatusFound || !strings.Contains(err.Error(), "/login") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
	if elsewhere.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

// A server that restarts cuts kept connections: a request that may have been carried out must not be sent again.
func TestOnlyIdempotentRequestsAreRepeatedOnALostConnection(t *testing.T) {
	for method, want := range map[string]int32{"GET": 2, "POST": 1} {
		t.Run(method, func(t *testing.T) {
			var calls atomic.Int32
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/cut" && calls.Add(1) == 1 {
					panic(http.ErrAbortHandler)
				}
			})
			for _, path := range []string{"/first", "/cut"} {
				err := c.Do(context.Background(), rest.Request{Method: method, Path: path, Body: map[string]string{"a": "b"}}, nil)
				if failed := path == "/cut" && method == "POST"; (err != nil) != failed {
					t.Errorf("%s %s: %v", method, path, err)
				}
			}
			if got := calls.Load(); got != want {
				t.Errorf("sent %d times, not %d", got, want)
			}
		})
	}
}

func TestBodiesAreSentInTheirForms(t *testing.T) {
	type sent struct{ Method, Path, Query, Kind, Accept, Body string }
	for name, c := range map[string]struct {
		request rest.Request
		want    sent
	}{
		"JSON": {rest.Request{Method: "PUT", Path: "/a", Body: map[string]any{"b": 1}}, sent{"PUT", "/a", "", "application/json", "application/json", `{"b":1}`}},
		"a form": {rest.Request{Method: "POST", Path: "/a", Body: url.Values{"b": {"1 2"}}},
			sent{"POST", "/a", "", "application/x-www-form-urlencoded", "application/json", "b=1+2"}},
		"none": {rest.Request{Method: "DELETE", Path: "/a", Query: url.Values{"q": {"x y"}}}, sent{"DELETE", "/a", "q=x+y", "", "application/json", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var got sent
			err := client(t, func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = sent{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), r.Header.Get("Accept"), string(body)}
			}).Do(context.Background(), c.request, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}
