package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"lockstep/config/clusters"
	"lockstep/internal/dial"
	"lockstep/starter/operations"
	"lockstep/workflows/workflowstest"
)

// FuzzARequestIsAnsweredInWords sends what no client sends. Temporal is away, and there are no environments to start anything on.
func FuzzARequestIsAnsweredInWords(f *testing.F) {
	f.Add("POST", "/v1/environments/gone/operations", "application/json", `{"operation":"deploy","options":{"mode":"fresh"},"overrides":{"a":[1,null]}}`, "key")
	f.Add("GET", "/v1/environments/dev/operations?limit=1&cursor=bm8", "", "", "")
	f.Add("POST", "/v1/environments/dev/operations/1b4e28ba-2fa1-11d2-883f-0016d3cca427/decisions", "application/json", `{"decision":"rollback","reason":"\u0000"}`, "")
	f.Add("GET", "/v1/environments/a%2Fb/schedules", "text/html", "{", "\x7f")
	temporal, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: workflowstest.Silent{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(temporal.Close)
	known, err := clusters.Load(clusters.Options{})
	if err != nil {
		f.Fatal(err)
	}
	s, err := New(Options{Environments: f.TempDir(), Operations: operations.Client{Connection: dial.Connection{Client: temporal}, Clusters: known}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Stop)
	f.Fuzz(func(t *testing.T, method, path, contentType, body, key string) {
		request, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") || strings.Contains(path, "readyz") || strings.Contains(path, "events") {
			t.Skip("no server gets it, or it lasts")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		request = request.WithContext(ctx)
		request.RequestURI = request.URL.RequestURI()
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Idempotency-Key", key)
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, request)
		if answer.Code == http.StatusInternalServerError || answer.Body.Len() > 64<<10+4*len(body) && answer.Code >= 400 {
			t.Errorf("%s %q with %q: %d, %d bytes: %.300s", method, path, body, answer.Code, answer.Body.Len(), answer.Body)
		}
	})
}
