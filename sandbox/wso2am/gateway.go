package wso2am

import (
	"net/http"
	"regexp"
	"strings"

	"lockstep/sandbox/carbon"
)

// deployedAPI is a revision as the gateway runs it.
type deployedAPI struct{ api }

// syncGateway brings the gateway up to date with an API, later. A server that does not trust its own TLS certificate
// never gets that far: gateway and control plane cannot talk to each other.
func (s *server) syncGateway(id string) {
	s.later(s.settings.deployment, func() {
		if err := s.Trust.Verify(s.TLS.Chain, ""); err != nil {
			s.Env.Log.Error("Error while deploying API in gateway: the server's own certificate is not trusted", "error", err.Error())
			return
		}
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		for path, old := range s.store.deployed {
			if old.ID == id {
				delete(s.store.deployed, path)
			}
		}
		current, ok := s.store.apis[id]
		if !ok {
			return
		}
		for _, revision := range current.revisions {
			if len(revision.Deployments) > 0 {
				s.store.deployed[current.Context+"/"+current.Version] = deployedAPI{revision.Snapshot}
			}
		}
	})
}

func (s *server) gatewayRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.resident.Token)
	mux.HandleFunc("POST /revoke", s.resident.Revoke)
	mux.HandleFunc("/", s.invoke)
	return mux
}

// fault is an error of the gateway, whose body is not that of the REST APIs: its code is text.
type fault struct {
	status                     int
	code, message, description string
}

var (
	noResource          = fault{404, "404", "Runtime Error", "No matching resource found for given API Request"}
	methodNotAllowed    = fault{405, "405", "Method Not Allowed", "Method not allowed for given API resource"}
	apiBlocked          = fault{503, "700700", "API blocked", "This API has been blocked temporarily"}
	unclassified        = fault{401, "900900", "Unclassified Authentication Failure", "Key manager could not be reached"}
	invalidCredentials  = fault{401, "900901", "Invalid Credentials", "Invalid Credentials. Make sure you have provided the correct security credentials"}
	missingCredentials  = fault{401, "900902", "Missing Credentials", "Invalid Credentials. Make sure your API invocation call has a header: 'Authorization : Bearer ACCESS_TOKEN'"}
	resourceForbidden   = fault{403, "900908", "Resource forbidden ", "User is NOT authorized to access the Resource. API Subscription validation failed."}
	scopeMissing        = fault{403, "900910", "The access token does not allow you to access the requested resource", "User is NOT authorized to access the Resource. Scope validation failed."}
	backendNotReachable = fault{503, "101503", "Runtime Error", "Error connecting to the back end"}
)

func (f *fault) write(w http.ResponseWriter) {
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `OAuth2 realm="WSO2 API Manager", error="invalid_token"`)
	}
	carbon.JSON(w, f.status, map[string]string{"code": f.code, "message": f.message, "description": f.description})
}

// invoke is one call of an API: find it, let the caller in, call the backend.
func (s *server) invoke(w http.ResponseWriter, r *http.Request) {
	target, rest, fault := s.match(r)
	var operation operation
	if fault == nil {
		operation, fault = target.operation(r.Method, rest)
	}
	keyType := "PRODUCTION"
	if fault == nil && operation.AuthType != "None" {
		keyType, fault = s.authorize(r, target, operation)
	}
	if fault != nil {
		fault.write(w)
		return
	}
	s.callBackend(w, r, target, rest, keyType)
}

// match finds the deployed API with the longest context/version that the path starts with.
func (s *server) match(r *http.Request) (deployedAPI, string, *fault) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	best := ""
	for path := range s.store.deployed {
		if (r.URL.Path == path || strings.HasPrefix(r.URL.Path, path+"/")) && len(path) > len(best) {
			best = path
		}
	}
	if best == "" {
		return deployedAPI{}, "", &noResource
	}
	found := s.store.deployed[best]
	if current, ok := s.store.apis[found.ID]; ok && current.LifeCycle == "BLOCKED" {
		return deployedAPI{}, "", &apiBlocked
	}
	return found, strings.TrimPrefix(r.URL.Path, best), nil
}

func (d deployedAPI) operation(verb, rest string) (operation, *fault) {
	if rest == "" {
		rest = "/"
	}
	fault := &noResource
	for _, one := range d.Operations {
		if !matchesTemplate(one.Target, rest) {
			continue
		}
		if strings.EqualFold(one.Verb, verb) {
			return one, nil
		}
		fault = &methodNotAllowed
	}
	return operation{}, fault
}

var templateParameter = regexp.MustCompile(`\\\{[^/]*?\\\}`)

func matchesTemplate(template, path string) bool {
	pattern := templateParameter.ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
	if open, ok := strings.CutSuffix(pattern, `/\*`); ok {
		pattern = open + `(/.*)?`
	}
	matched, err := regexp.MatchString("^"+pattern+"$", path)
	return err == nil && matched
}
