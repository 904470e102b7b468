package bounded

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAnAPIServerThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half an answer": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"kind":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		server := httptest.NewServer(handler)
		client := &http.Client{Transport: bounded{http.DefaultTransport, Most, 50 * time.Millisecond}}
		response, err := client.Get(server.URL)
		if err == nil {
			_, err = io.ReadAll(response.Body)
			_ = response.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), errStalled.Error()) {
			t.Errorf("%s: %v", name, err)
		}
		server.CloseClientConnections()
		server.Close()
	}
}
