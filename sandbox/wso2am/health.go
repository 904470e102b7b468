package wso2am

import (
	"net/http"

	"lockstep/sandbox/carbon"
)

func (s *server) services() http.Handler {
	mux := http.NewServeMux()
	s.serviceRoutes(mux)
	return mux
}

// serviceRoutes are on both servlet ports. The liveness probe of the chart asks 9763 for the version, the readiness
// probe asks 9443 for the health check.
func (s *server) serviceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /services/Version", s.version)
	mux.HandleFunc("GET /services/Version/", s.version)
	mux.HandleFunc("GET /api/am/gateway/v2/server-startup-healthcheck", func(w http.ResponseWriter, _ *http.Request) {
		carbon.JSON(w, http.StatusOK, map[string]string{"status": "active"})
	})
}

func (s *server) version(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
	_, _ = w.Write([]byte(`<ns:getVersionResponse xmlns:ns="http://version.services.core.carbon.wso2.org">` +
		"<return>" + s.Title + "</return></ns:getVersionResponse>"))
}

// websocketRoutes stand for the WebSocket and WebSub listeners, which have a health check and nothing else here.
func websocketRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return mux
}
