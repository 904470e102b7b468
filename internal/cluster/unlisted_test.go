package cluster

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"lockstep/internal/failure"
)

const widget = `{"spec":{"group":"example.com","names":{"kind":"Widget"},"versions":[{"name":"v1","served":true},{"name":"v0","served":false}]}}`

func TestAKindThatIsOnlyUnlistedIsNotTakenForAbsent(t *testing.T) {
	const missing = `{"kind":"Status","status":"Failure","reason":"NotFound","code":404}`
	for name, c := range map[string]struct {
		apiVersion string
		kind       string
		status     int // of the CustomResourceDefinition
		body       string
		want       failure.Kind // "" for absent
	}{
		"not defined":          {"example.com/v1", "Widget", 404, missing, ""},
		"defined":              {"example.com/v1", "Widget", 200, widget, failure.Unavailable},
		"of a dropped version": {"example.com/v0", "Widget", 200, widget, ""},
		"nobody knows":         {"example.com/v1", "Widget", 503, `{"kind":"Status","status":"Failure","code":503}`, failure.Unavailable},
		"not to be read":       {"example.com/v1", "Widget", 403, `{"kind":"Status","status":"Failure","reason":"Forbidden","code":403}`, ""},
		"never a CRD's":        {"apps/v9", "Deployment", 503, `{}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, ref := unlistingServer(t, c.status, c.body), Ref{APIVersion: c.apiVersion, Kind: c.kind, Name: "w"}
			_, found, err := client.Get(t.Context(), ref)
			if c.want == "" && (err != nil || found) {
				t.Errorf("found %v, %v", found, err)
			}
			if c.want != "" && (!failure.Is(err, c.want) || !failure.IsRetryable(err) || !strings.Contains(err.Error(), "Widget")) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if _, err := client.Snapshot(t.Context(), []Ref{ref}); (err == nil) != (c.want == "") {
				t.Errorf("snapshot: %v", err)
			}
		})
	}
}

// unlistingServer is an API server whose discovery knows no kind at all.
func unlistingServer(t *testing.T, status int, crd string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api":
			fmt.Fprint(w, `{"kind":"APIVersions","versions":[]}`)
		case "/apis":
			fmt.Fprint(w, `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`)
		case crdPath + "/widgets.example.com":
			w.WriteHeader(status)
			fmt.Fprint(w, crd)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	client, err := NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
