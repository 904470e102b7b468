package wso2is

import (
	"net/http"
	"slices"
	"strings"

	"lockstep/sandbox/carbon"
)

// oauthScope is a scope of the OAuth scope endpoint, which the WSO2-IS-7 connector no longer uses.
type oauthScope struct {
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName"`
	Description string   `json:"description,omitempty"`
	Bindings    []string `json:"bindings,omitempty"`
}

const scopesPath = "/api/identity/oauth2/v1.0/scopes"

func (s *server) scopeRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+scopesPath, s.admin(s.listScopes))
	mux.HandleFunc("POST "+scopesPath, s.admin(s.createScope))
	mux.HandleFunc("GET "+scopesPath+"/name/{name}", s.admin(s.readScope))
	mux.HandleFunc("DELETE "+scopesPath+"/name/{name}", s.admin(s.deleteScope))
}

func (s *server) listScopes(w http.ResponseWriter, _ *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	list := []*oauthScope{}
	for _, scope := range s.store.scopes {
		list = append(list, scope)
	}
	slices.SortFunc(list, func(a, b *oauthScope) int { return strings.Compare(a.Name, b.Name) })
	carbon.JSON(w, http.StatusOK, list)
}

func (s *server) createScope(w http.ResponseWriter, r *http.Request) {
	var made oauthScope
	if err := carbon.Decode(r.Body, carbon.Shape{
		"name": {Kind: carbon.Text, Required: true}, "displayName": {Kind: carbon.Text, Required: true},
		"description": {Kind: carbon.Text}, "bindings": texts, "scopeBindings": {Kind: carbon.List},
	}, &made); err != nil {
		apiError(w, http.StatusBadRequest, "41001", err.Error())
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if _, ok := s.store.scopes[made.Name]; ok {
		apiError(w, http.StatusConflict, "41003", "Scope with the name "+made.Name+" already exists in the system.")
		return
	}
	s.store.scopes[made.Name] = &made
	carbon.JSON(w, http.StatusCreated, made)
}

func (s *server) readScope(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found, ok := s.store.scopes[r.PathValue("name")]
	if !ok {
		apiError(w, http.StatusNotFound, "41002", "Scope is not found: "+r.PathValue("name"))
		return
	}
	carbon.JSON(w, http.StatusOK, found)
}

func (s *server) deleteScope(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	name := r.PathValue("name")
	if _, ok := s.store.scopes[name]; !ok {
		apiError(w, http.StatusNotFound, "41002", "Scope is not found: "+name)
		return
	}
	delete(s.store.scopes, name)
	w.WriteHeader(http.StatusNoContent)
}
