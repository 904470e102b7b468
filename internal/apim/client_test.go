package apim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lockstep/internal/apim"
	"lockstep/internal/rest"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/fault"
	"lockstep/sandbox/wso2am"
	"lockstep/test/apimtest"
)

func count(sent []string, request string) (n int) {
	for _, s := range sent {
		if s == request {
			n++
		}
	}
	return n
}

const tokenRequest = "POST /oauth2/token"

func TestOneTokenServesAllCalls(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	c := w.Client()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := c.KeyManagers(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := count(w.Sent(), tokenRequest); n != 1 {
		t.Errorf("%d tokens were asked for", n)
	}
}

func TestATokenThatIsNoLongerAcceptedIsRenewedOnce(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Client()
	if _, err := c.KeyManagers(ctx); err != nil {
		t.Fatal(err)
	}
	revokeFirst(t, w)
	id, err := c.CreateApplication(ctx, "after the revocation")
	if err != nil || id == "" {
		t.Fatalf("got %q, %v", id, err)
	}
	if n := count(w.Sent(), tokenRequest); n != 2 {
		t.Errorf("%d tokens were asked for, not one and its renewal", n)
	}
}

// revokeFirst makes the first token that is used from now on invalid: it arrives changed until another one is used.
func revokeFirst(t *testing.T, w *apimtest.World) {
	t.Helper()
	var mu sync.Mutex
	first := ""
	w.Before(func(r *http.Request) error {
		mu.Lock()
		defer mu.Unlock()
		token := r.Header.Get("Authorization")
		if !strings.HasPrefix(token, "Bearer ") {
			return nil
		}
		if first == "" {
			first = token
		}
		if token == first {
			r.Header.Set("Authorization", "Bearer revoked")
		}
		return nil
	})
}

func TestATokenThatIsNeverAcceptedIsNotRenewedForEver(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	w.Before(func(r *http.Request) error {
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			r.Header.Set("Authorization", "Bearer revoked")
		}
		return nil
	})
	_, err := w.Client().KeyManagers(context.Background())
	if rest.Status(err) != http.StatusUnauthorized {
		t.Errorf("got %v", err)
	}
	if n := count(w.Sent(), tokenRequest); n != 2 {
		t.Errorf("%d tokens were asked for", n)
	}
}

func TestRegisteringAgainGivesTheSameClient(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	for range 2 { // two clients: two registrations of one name
		if _, err := w.Client().KeyManagers(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(w.Sent(), "POST /client-registration/v0.17/register"); n != 2 {
		t.Errorf("%d registrations", n)
	}
}

func TestAWrongPasswordIsRefusedAndNeverRepeated(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	_, err := w.ClientAs("admin", "wrong password").KeyManagers(context.Background())
	if rest.Status(err) != http.StatusUnauthorized || strings.Contains(err.Error(), "wrong password") ||
		!strings.Contains(err.Error(), "registering Lockstep's client with API Manager") {
		t.Errorf("got %v", err)
	}
	if n := len(w.Sent()); n != 1 {
		t.Errorf("%d requests with the wrong password: accounts are locked after a few", n)
	}
}

func TestATransientFailureOfTheRegistrationIsTheCallersToRepeat(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{Settings: map[string]string{wso2am.VarRegistrationFailures: "1"}})
	c := w.Client()
	if _, err := c.KeyManagers(context.Background()); rest.Status(err) != http.StatusInternalServerError {
		t.Errorf("the first time: %v", err)
	}
	if _, err := c.KeyManagers(context.Background()); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestFaultsOfAPIManagerKeepTheirStatus(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	c := w.Client()
	if err := c.Healthy(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.Fault(t, fault.Fault{Status: 503, Path: "/api/am/admin", Times: 1})
	if _, err := c.KeyManagers(context.Background()); rest.Status(err) != http.StatusServiceUnavailable {
		t.Errorf("got %v", err)
	}
	w.Fault(t, fault.Fault{Cut: fault.CutStart, Path: "/api/am/devportal", Method: "POST"})
	if _, err := c.CreateApplication(context.Background(), "cut"); err == nil || rest.Status(err) != 0 {
		t.Errorf("got %v", err)
	}
	w.Fault(t)
}

// A scripted API Manager says what the simulated one never would.
func scripted(t *testing.T, answers map[string]any) *apim.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch answer := answers[r.Method+" "+r.URL.Path].(type) {
		case nil:
			w.WriteHeader(http.StatusNotFound)
		case http.HandlerFunc:
			answer(w, r)
		default:
			_ = json.NewEncoder(w).Encode(answer)
		}
	}))
	t.Cleanup(server.Close)
	return apim.New(apim.Options{Base: server.URL, HTTP: server.Client(), Username: "admin", Password: carbontest.AdminPassword, ClientName: "lockstep"})
}

const allScopes = "apim:admin apim:api_view apim:api_create apim:api_publish apim:api_manage apim:api_delete apim:subscribe apim:app_manage apim:sub_manage"

func login(answers map[string]any) map[string]any {
	all := map[string]any{
		"POST /client-registration/v0.17/register": map[string]string{"clientId": "id", "clientSecret": "secret"},
		"POST /oauth2/token":                       map[string]string{"access_token": "token", "scope": allScopes},
	}
	for request, answer := range answers {
		all[request] = answer
	}
	return all
}

func refusal(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, status) }
}

func TestLoginsThatCannotWorkSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]any
		want    string
	}{
		"a user without the admin role": {map[string]any{"POST /oauth2/token": map[string]string{"access_token": "t", "scope": "apim:subscribe"}},
			`user "admin" was not granted scope apim:admin: give it the admin role`},
		"somebody else's client of that name": {map[string]any{"POST /oauth2/token": refusal(400, `{"error":"unauthorized_client"}`)}, `has the name "lockstep". Next: delete`},
		"a registration without a client":     {map[string]any{"POST /client-registration/v0.17/register": map[string]string{}}, "check that this is API Manager 4.7"},
		"an answer without a token":           {map[string]any{"POST /oauth2/token": map[string]string{"scope": allScopes}}, "check that this is API Manager 4.7"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scripted(t, login(c.answers)).KeyManagers(context.Background())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAKeyManagerDeletedWhileItIsReadIsLeftOut(t *testing.T) {
	c := scripted(t, login(map[string]any{
		"GET /api/am/admin/v4/key-managers":   map[string]any{"list": []any{map[string]string{"id": "1", "name": "gone"}, map[string]string{"id": "2", "name": "there"}}},
		"GET /api/am/admin/v4/key-managers/2": map[string]string{"id": "2", "name": "there"},
	}))
	all, err := c.KeyManagers(context.Background())
	if err != nil || len(all) != 1 || all[0].Name() != "there" {
		t.Errorf("got %v, %v", all, err)
	}
	if found, err := c.FindKeyManager(context.Background(), "gone"); found != nil || err != nil {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestAnAPIManagerWithoutTheConnectorIsToldApart(t *testing.T) {
	c := scripted(t, login(map[string]any{"GET /api/am/admin/v4/settings": map[string]any{"keyManagerConfiguration": []any{map[string]string{"type": "WSO2-IS"}}}}))
	err := c.CheckConnector(context.Background(), nil)
	if err == nil || !strings.Contains(err.Error(), "has no key manager connector WSO2-IS-7") {
		t.Errorf("got %v", err)
	}
}
