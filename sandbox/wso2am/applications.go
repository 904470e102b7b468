package wso2am

import (
	"cmp"
	"net/http"
	"slices"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/rest"
)

const devportalPath = "/api/am/devportal/v3"

// application is Application of the developer portal API v3.
type application struct {
	ID          string            `json:"applicationId"`
	Name        string            `json:"name"`
	Policy      string            `json:"throttlingPolicy"`
	Description string            `json:"description"`
	TokenType   string            `json:"tokenType"`
	Status      string            `json:"status"`
	Groups      []string          `json:"groups"`
	Attributes  map[string]string `json:"attributes"`
	Owner       string            `json:"owner"`
	Visibility  string            `json:"visibility"`
}

// Scopes that open an endpoint: any of them.
var applicationScopes = []string{"apim:subscribe", "apim:app_manage"}

func (s *server) applicationRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+devportalPath+"/applications", s.resident.Scoped(append(applicationScopes, "apim:app_import_export"), s.listApplications))
	mux.HandleFunc("POST "+devportalPath+"/applications", s.resident.Scoped(applicationScopes, s.createApplication))
	mux.HandleFunc("GET "+devportalPath+"/applications/{id}", s.resident.Scoped(applicationScopes, s.readApplication))
	mux.HandleFunc("DELETE "+devportalPath+"/applications/{id}", s.resident.Scoped(append(applicationScopes, "apim:app_import_export"), s.deleteApplication))
}

// listApplications takes the query for a whole name: the specification knows neither wildcards nor parts.
func (s *server) listApplications(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	list := []map[string]any{}
	for _, one := range s.store.applications {
		if query := r.URL.Query().Get("query"); query == "" || query == one.Name {
			list = append(list, s.store.applicationInfo(one))
		}
	}
	slices.SortFunc(list, func(a, b map[string]any) int { return cmp.Compare(a["name"].(string), b["name"].(string)) })
	rest.WritePage(w, r, list)
}

func (s *store) applicationInfo(one *application) map[string]any {
	count := 0
	for _, subscription := range s.subscriptions {
		if subscription.ApplicationID == one.ID {
			count++
		}
	}
	return map[string]any{
		"applicationId": one.ID, "name": one.Name, "throttlingPolicy": one.Policy, "description": one.Description,
		"status": one.Status, "groups": one.Groups, "subscriptionCount": count, "attributes": one.Attributes, "owner": one.Owner,
	}
}

func (s *store) applicationBody(one *application) map[string]any {
	body := s.applicationInfo(one)
	keys := []any{}
	for _, mapping := range s.keys {
		if mapping.ApplicationID == one.ID && !mapping.leaked() {
			keys = append(keys, mapping.body(s))
		}
	}
	body["keys"], body["tokenType"], body["visibility"] = keys, one.TokenType, one.Visibility
	body["subscriptionScopes"], body["hashEnabled"] = []any{}, false
	return body
}

func (s *server) createApplication(w http.ResponseWriter, r *http.Request) {
	made := application{TokenType: "JWT", Status: "APPROVED", Groups: []string{}, Attributes: map[string]string{}, Visibility: "PRIVATE"}
	if err := carbon.Decode(r.Body, carbon.Shape{
		"name": {Kind: carbon.Text, Required: true, Min: 1, Max: 100}, "throttlingPolicy": {Kind: carbon.Text, Required: true, Min: 1},
		"description": {Kind: carbon.Text, Max: 512}, "tokenType": {Kind: carbon.Text, Enum: []string{"OAUTH", "JWT"}},
		"groups": rest.TextList, "attributes": {Kind: carbon.Object}, "subscriptionScopes": {Kind: carbon.List},
		"visibility":    {Kind: carbon.Text, Enum: []string{"PRIVATE", "SHARED_WITH_ORG"}},
		"applicationId": {Kind: carbon.Text}, "status": {Kind: carbon.Text}, "subscriptionCount": {Kind: carbon.Integer},
		"keys": {Kind: carbon.List}, "owner": {Kind: carbon.Text}, "hashEnabled": {Kind: carbon.Flag},
	}, &made); err != nil {
		rest.FailBody(w, err)
		return
	}
	if !slices.Contains(policies, made.Policy) {
		rest.Fail(w, rest.TierInvalid.Because("Specified application tier is invalid: "+made.Policy))
		return
	}
	made.ID, made.Owner, made.Status = carbon.UUID(), s.Admin.Username, "APPROVED"
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, other := range s.store.applications {
		if other.Name == made.Name {
			rest.Fail(w, rest.ApplicationExists.Because("A duplicate application already exists by the name - "+made.Name))
			return
		}
	}
	s.store.applications[made.ID] = &made
	w.Header().Set("Location", devportalPath+"/applications/"+made.ID)
	carbon.JSON(w, http.StatusCreated, s.store.applicationBody(&made))
}

func (s *server) readApplication(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found, ok := s.store.applications[r.PathValue("id")]
	if !ok {
		rest.Fail(w, &rest.ApplicationNotFound)
		return
	}
	carbon.JSON(w, http.StatusOK, s.store.applicationBody(found))
}

// deleteApplication deletes its clients at their key managers first, then its keys and subscriptions. A key manager that
// cannot be reached leaves all in place.
func (s *server) deleteApplication(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.store.mu.Lock()
	_, ok := s.store.applications[id]
	mappings := s.store.keysOf(id)
	s.store.mu.Unlock()
	if !ok {
		rest.Fail(w, &rest.ApplicationNotFound)
		return
	}
	for _, mapping := range mappings {
		if err := s.unregister(r.Context(), mapping); err != nil {
			s.Env.Log.Error("Cannot remove service provider for the given consumer key", "error", err.Error())
			rest.Fail(w, rest.General.Because("Error while deleting the application"))
			return
		}
	}
	s.store.forget(id)
	w.WriteHeader(http.StatusOK)
}

func (s *store) forget(application string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, one := range s.subscriptions {
		if one.ApplicationID == application {
			delete(s.subscriptions, id)
		}
	}
	for id, one := range s.keys {
		if one.ApplicationID == application {
			delete(s.keys, id)
		}
	}
	delete(s.applications, application)
}
