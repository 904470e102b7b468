package wso2am

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/rest"
)

const maxBody = 1 << 20

const publisherPath = "/api/am/publisher/v4"

// Scopes that open an endpoint: any of them.
var (
	apiReadScopes    = []string{"apim:api_view", "apim:api_manage", "apim:api_import_export"}
	apiCreateScopes  = []string{"apim:api_create", "apim:api_manage"}
	apiUpdateScopes  = []string{"apim:api_create", "apim:api_manage", "apim:api_publish"}
	apiDeleteScopes  = []string{"apim:api_delete", "apim:api_manage", "apim:api_import_export"}
	apiPublishScopes = []string{"apim:api_publish", "apim:api_manage", "apim:api_import_export"}
)

func (s *server) apiRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+publisherPath+"/apis", s.resident.Scoped(append(apiReadScopes, "apim:api_list_view"), s.listAPIs))
	mux.HandleFunc("POST "+publisherPath+"/apis", s.resident.Scoped(apiCreateScopes, s.createAPI))
	mux.HandleFunc("POST "+publisherPath+"/apis/change-lifecycle", s.resident.Scoped(apiPublishScopes, s.changeLifecycle))
	mux.HandleFunc("GET "+publisherPath+"/apis/{id}", s.resident.Scoped(apiReadScopes, s.readAPI))
	mux.HandleFunc("PUT "+publisherPath+"/apis/{id}", s.resident.Scoped(apiUpdateScopes, s.updateAPI))
	mux.HandleFunc("DELETE "+publisherPath+"/apis/{id}", s.resident.Scoped(apiDeleteScopes, s.deleteAPI))
}

// listAPIs knows the queries name:, version: and context:, and a bare word, which is looked for in names.
func (s *server) listAPIs(w http.ResponseWriter, r *http.Request) {
	terms := strings.Fields(r.URL.Query().Get("query"))
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	list := []map[string]any{}
	for _, one := range s.store.apis {
		if !slices.ContainsFunc(terms, func(term string) bool { return !one.matches(term) }) {
			list = append(list, one.info())
		}
	}
	slices.SortFunc(list, func(a, b map[string]any) int { return cmp.Compare(a["name"].(string), b["name"].(string)) })
	rest.WritePage(w, r, list)
}

func (a *api) matches(term string) bool {
	attribute, value, ok := strings.Cut(term, ":")
	if !ok {
		return strings.Contains(strings.ToLower(a.Name), strings.ToLower(term))
	}
	exact := strings.HasPrefix(value, `"`)
	value = strings.Trim(value, `"`)
	have := map[string]string{"name": a.Name, "version": a.Version, "context": a.Context, "provider": a.Provider, "status": a.LifeCycle}
	found, known := have[strings.ToLower(attribute)]
	if exact {
		return known && found == value
	}
	return known && strings.Contains(strings.ToLower(found), strings.ToLower(value))
}

func (s *server) createAPI(w http.ResponseWriter, r *http.Request) {
	made, problem := s.decodeAPI(r.Body)
	if problem == nil {
		problem = s.store.clash(made)
	}
	if problem == nil {
		problem = s.fanOut(r.Context(), made.scopes())
	}
	if problem != nil {
		rest.Fail(w, problem)
		return
	}
	made.ID, made.LifeCycle = carbon.UUID(), "CREATED"
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.apis[made.ID] = made
	w.Header().Set("Location", publisherPath+"/apis/"+made.ID)
	carbon.JSON(w, http.StatusCreated, made.body())
}

func (s *server) decodeAPI(body io.Reader) (*api, *rest.Problem) {
	data, err := io.ReadAll(io.LimitReader(body, maxBody))
	if err != nil {
		return nil, rest.BadRequest.Because(err.Error())
	}
	made := &api{}
	if err := json.Unmarshal(data, &made.sent); err != nil {
		return nil, rest.BadRequest.Because("body is not JSON: " + err.Error())
	}
	if sent := made.sent["keyManagers"]; sent != nil {
		if list, ok := sent.([]any); !ok || len(list) == 0 {
			return nil, &rest.KeyManagersNotArray
		}
	}
	if err := carbon.Decode(bytes.NewReader(data), apiShape(), made); err != nil {
		return nil, rest.BadRequest.Because(err.Error())
	}
	made.complete(s.Admin.Username)
	for _, policy := range made.Policies {
		if !slices.Contains(policies, policy) {
			return nil, rest.TierInvalid.Because("The tier name is invalid: " + policy)
		}
	}
	return made, nil
}

// policies are the business plans a fresh API Manager has, for APIs and, but for names, for applications.
var policies = []string{"Bronze", "Silver", "Gold", "Unlimited", "Unauthenticated", "10PerMin", "20PerMin", "50PerMin"}

func (s *store) clash(made *api) *rest.Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.apis {
		if other.Version == made.Version && (other.Name == made.Name || other.Context == made.Context) {
			return rest.APIExists.Because("The API with name " + made.Name + " or context " + made.Context + " and version " +
				made.Version + " already exists")
		}
	}
	return nil
}

// withAPI finds the API and holds the store for the handler.
func (s *server) withAPI(w http.ResponseWriter, id string, next func(*api)) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found, ok := s.store.apis[id]
	if !ok {
		rest.Fail(w, rest.APINotFound.Because("Requested API with id '"+id+"' not found"))
		return
	}
	next(found)
}

func (s *server) readAPI(w http.ResponseWriter, r *http.Request) {
	s.withAPI(w, r.PathValue("id"), func(found *api) { carbon.JSON(w, http.StatusOK, found.body()) })
}

func (s *server) updateAPI(w http.ResponseWriter, r *http.Request) {
	next, problem := s.decodeAPI(r.Body)
	if problem == nil {
		problem = s.fanOut(r.Context(), next.scopes())
	}
	if problem != nil {
		rest.Fail(w, problem)
		return
	}
	s.withAPI(w, r.PathValue("id"), func(old *api) {
		next.ID, next.LifeCycle, next.revisions, next.made = old.ID, old.LifeCycle, old.revisions, old.made
		next.Name, next.Context, next.Version = old.Name, old.Context, old.Version
		*old = *next
		carbon.JSON(w, http.StatusOK, old.body())
	})
}

func (s *server) deleteAPI(w http.ResponseWriter, r *http.Request) {
	s.withAPI(w, r.PathValue("id"), func(found *api) {
		for _, one := range s.store.subscriptions {
			if one.APIID == found.ID {
				rest.Fail(w, &rest.APIHasSubscriptions)
				return
			}
		}
		delete(s.store.apis, found.ID)
		s.syncGateway(found.ID)
		w.WriteHeader(http.StatusOK)
	})
}

// transitions are the lifecycle: what an action makes of the states it is allowed in.
var transitions = map[string]map[string]string{
	"Publish":               {"CREATED": "PUBLISHED", "PROTOTYPED": "PUBLISHED"},
	"Deploy as a Prototype": {"CREATED": "PROTOTYPED", "PUBLISHED": "PROTOTYPED"},
	"Demote to Created":     {"PUBLISHED": "CREATED", "PROTOTYPED": "CREATED"},
	"Block":                 {"PUBLISHED": "BLOCKED"},
	"Re-Publish":            {"BLOCKED": "PUBLISHED"},
	"Deprecate":             {"PUBLISHED": "DEPRECATED", "BLOCKED": "DEPRECATED"},
	"Retire":                {"DEPRECATED": "RETIRED"},
}

func (s *server) changeLifecycle(w http.ResponseWriter, r *http.Request) {
	action := r.URL.Query().Get("action")
	s.withAPI(w, r.URL.Query().Get("apiId"), func(found *api) {
		next, ok := transitions[action][found.LifeCycle]
		switch {
		case !ok:
			rest.Fail(w, rest.UnsupportedAction.Because("Lifecycle state change action "+action+" is not allowed"))
			return
		case next == "PUBLISHED" && len(found.Policies) == 0:
			rest.Fail(w, rest.LifecycleFailed.Because("Failed to publish service to API store. No Tiers selected"))
			return
		case next == "PUBLISHED" && found.Implementation == "ENDPOINT" && found.Endpoints == nil:
			rest.Fail(w, rest.LifecycleFailed.Because("Failed to publish service to API store. No endpoint selected"))
			return
		}
		found.LifeCycle = next
		carbon.JSON(w, http.StatusOK, map[string]any{
			"workflowStatus": "APPROVED", "lifecycleState": map[string]any{"state": found.stateName(), "availableTransitions": found.next()},
		})
	})
}

// stateName is the state as lifecycle answers write it, Published for PUBLISHED.
func (a *api) stateName() string { return a.LifeCycle[:1] + strings.ToLower(a.LifeCycle[1:]) }

func (a *api) next() []map[string]string {
	list := []map[string]string{}
	for action, states := range transitions {
		if target, ok := states[a.LifeCycle]; ok {
			list = append(list, map[string]string{"event": action, "targetState": target})
		}
	}
	slices.SortFunc(list, func(x, y map[string]string) int { return cmp.Compare(x["event"], y["event"]) })
	return list
}
