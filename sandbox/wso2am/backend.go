package wso2am

import (
	"io"
	"net/http"
	"strings"

	"lockstep/sandbox/carbon"
)

// callBackend forwards a call. APIs without an endpoint, mocked ones, are answered by the gateway itself.
func (s *server) callBackend(w http.ResponseWriter, r *http.Request, target deployedAPI, rest, keyType string) {
	address := target.backend(keyType)
	if address == "" {
		carbon.JSON(w, http.StatusOK, map[string]any{"api": target.Name, "version": target.Version, "simulated": true})
		return
	}
	request, err := http.NewRequestWithContext(r.Context(), r.Method, strings.TrimSuffix(address, "/")+rest, r.Body)
	if err != nil {
		backendNotReachable.write(w)
		return
	}
	request.URL.RawQuery = r.URL.RawQuery
	request.Header = r.Header.Clone()
	request.Header.Del("Authorization") // enable_outbound_auth_header is off
	response, err := s.keyManagers.Do(request)
	if err != nil {
		s.Env.Log.Error("Error connecting to the back end", "api", target.Name, "error", err.Error())
		backendNotReachable.write(w)
		return
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body) // the client is gone: nobody to tell
}

func (d deployedAPI) backend(keyType string) string {
	if d.Implementation != "ENDPOINT" || d.Endpoints == nil {
		return ""
	}
	if keyType == "SANDBOX" && d.Endpoints.Sandbox.URL != "" {
		return d.Endpoints.Sandbox.URL
	}
	return d.Endpoints.Production.URL
}
