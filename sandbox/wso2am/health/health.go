// Package health is what the probes of API Manager's chart ask for.
package health

import (
	"net/http"

	"github.com/gorilla/websocket"

	"lockstep/sandbox/carbon"
)

// Services are the routes on both servlet ports. The liveness probe of the chart asks 9763 for the version, the readiness
// probe asks 9443 for the health check.
func Services(mux *http.ServeMux, title string) {
	mux.HandleFunc("GET /services/Version", version(title))
	mux.HandleFunc("GET /services/Version/", version(title))
	mux.HandleFunc("GET /api/am/gateway/v2/server-startup-healthcheck", func(w http.ResponseWriter, _ *http.Request) {
		carbon.JSON(w, http.StatusOK, map[string]string{"status": "active"})
	})
}

func version(title string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
		_, _ = w.Write([]byte(`<ns:getVersionResponse xmlns:ns="http://version.services.core.carbon.wso2.org">` +
			"<return>" + title + "</return></ns:getVersionResponse>"))
	}
}

// WebSocket stands for the WebSocket and WebSub listeners, which have a health check here, and at /echo a WebSocket that says what it hears.
func WebSocket() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /echo", func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // it has answered
		}
		defer c.Close()
		for {
			kind, message, err := c.ReadMessage()
			if err != nil || c.WriteMessage(kind, message) != nil {
				return
			}
		}
	})
	return mux
}
