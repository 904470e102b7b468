package wso2is

import (
	"net/http"
	"slices"
	"strings"

	"lockstep/sandbox/carbon"
)

// apiResource is what scopes belong to in Identity Server 7. The connector keeps all of its own in one.
type apiResource struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Identifier  string          `json:"identifier"`
	Description string          `json:"description,omitempty"`
	Type        string          `json:"type"`
	Authorize   bool            `json:"requiresAuthorization"`
	Scopes      []resourceScope `json:"scopes"`
	Self        string          `json:"self"`
}

type resourceScope struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Description string `json:"description,omitempty"`
}

const resourcesPath = "/api/server/v1/api-resources"

func (s *server) resourceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+resourcesPath, s.admin(s.listResources))
	mux.HandleFunc("POST "+resourcesPath, s.admin(s.createResource))
	mux.HandleFunc("GET "+resourcesPath+"/{id}", s.admin(s.withResource(s.readResource)))
	mux.HandleFunc("PATCH "+resourcesPath+"/{id}", s.admin(s.withResource(s.patchResource)))
	mux.HandleFunc("DELETE "+resourcesPath+"/{id}", s.admin(s.deleteResource))
	mux.HandleFunc("GET "+resourcesPath+"/{id}/scopes", s.admin(s.withResource(s.resourceScopes)))
	mux.HandleFunc("DELETE "+resourcesPath+"/{id}/scopes/{scope}", s.admin(s.withResource(s.deleteResourceScope)))
}

func apiError(w http.ResponseWriter, status int, code, message string) {
	carbon.JSON(w, status, map[string]string{"code": code, "message": message, "description": message, "traceId": carbon.UUID()})
}

// withResource finds the resource and holds the store for the handler.
func (s *server) withResource(next func(http.ResponseWriter, *http.Request, *apiResource)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		found, ok := s.store.resources[r.PathValue("id")]
		if !ok {
			apiError(w, http.StatusNotFound, "API-RESOURCE-60001", "Unable to find the API resource")
			return
		}
		next(w, r, found)
	}
}

// listResources knows the one filter the connector uses.
func (s *server) listResources(w http.ResponseWriter, r *http.Request) {
	wanted, filtered := strings.CutPrefix(r.URL.Query().Get("filter"), "identifier eq ")
	if filter := r.URL.Query().Get("filter"); filter != "" && !filtered {
		apiError(w, http.StatusBadRequest, "API-RESOURCE-60002", "Unsupported filter (simulated): "+filter)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found := []map[string]any{}
	for _, one := range s.store.resources {
		if !filtered || one.Identifier == wanted {
			found = append(found, map[string]any{
				"id": one.ID, "name": one.Name, "identifier": one.Identifier, "type": one.Type,
				"requiresAuthorization": one.Authorize, "self": one.Self,
			})
		}
	}
	// The specification calls the list APIResources; the connector reads apiResources.
	carbon.JSON(w, http.StatusOK, map[string]any{
		"totalResults": len(found), "links": []any{}, "APIResources": found, "apiResources": found,
	})
}

var scopeShape = carbon.Shape{
	"name": {Kind: carbon.Text, Required: true}, "displayName": {Kind: carbon.Text}, "description": {Kind: carbon.Text},
}

func scopeList() carbon.Field {
	return carbon.Field{Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Object, Fields: scopeShape}}
}

func (s *server) createResource(w http.ResponseWriter, r *http.Request) {
	var made apiResource
	if err := carbon.Decode(r.Body, carbon.Shape{
		"identifier": {Kind: carbon.Text, Required: true}, "name": {Kind: carbon.Text, Required: true},
		"description": {Kind: carbon.Text}, "requiresAuthorization": {Kind: carbon.Flag}, "scopes": scopeList(),
		"authorizationDetailsTypes": {Kind: carbon.List}, "resourceType": {Kind: carbon.Text},
	}, &made); err != nil {
		apiError(w, http.StatusBadRequest, "API-RESOURCE-60003", err.Error())
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, other := range s.store.resources {
		if other.Identifier == made.Identifier {
			apiError(w, http.StatusConflict, "API-RESOURCE-60004", "API resource already exists for the identifier "+made.Identifier)
			return
		}
	}
	made.ID, made.Type = carbon.UUID(), "BUSINESS"
	made.Self = "/t/carbon.super" + resourcesPath + "/" + made.ID
	made.Scopes = completed(made.Scopes)
	s.store.resources[made.ID] = &made
	carbon.JSON(w, http.StatusOK, made)
}

func completed(scopes []resourceScope) []resourceScope {
	done := []resourceScope{}
	for _, scope := range scopes {
		scope.ID = carbon.UUID()
		if scope.DisplayName == "" {
			scope.DisplayName = scope.Name
		}
		done = append(done, scope)
	}
	return done
}

func (s *server) readResource(w http.ResponseWriter, _ *http.Request, found *apiResource) {
	carbon.JSON(w, http.StatusOK, found)
}

func (s *server) patchResource(w http.ResponseWriter, r *http.Request, found *apiResource) {
	var patch struct {
		Name, Description string
		AddedScopes       []resourceScope
	}
	if err := carbon.Decode(r.Body, carbon.Shape{
		"name": {Kind: carbon.Text}, "description": {Kind: carbon.Text}, "addedScopes": scopeList(), "removedScopes": texts,
		"addedAuthorizationDetailsTypes": {Kind: carbon.List}, "removedAuthorizationDetailsTypes": texts,
	}, &patch); err != nil {
		apiError(w, http.StatusBadRequest, "API-RESOURCE-60003", err.Error())
		return
	}
	for _, added := range patch.AddedScopes {
		if slices.ContainsFunc(found.Scopes, func(old resourceScope) bool { return old.Name == added.Name }) {
			apiError(w, http.StatusConflict, "API-RESOURCE-60005", "Scope already exists: "+added.Name)
			return
		}
	}
	if patch.Name != "" {
		found.Name = patch.Name
	}
	if patch.Description != "" {
		found.Description = patch.Description
	}
	found.Scopes = append(found.Scopes, completed(patch.AddedScopes)...)
	w.WriteHeader(http.StatusNoContent)
}

// deleteResource answers 204 also when there is nothing to delete.
func (s *server) deleteResource(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	delete(s.store.resources, r.PathValue("id"))
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) resourceScopes(w http.ResponseWriter, _ *http.Request, found *apiResource) {
	carbon.JSON(w, http.StatusOK, found.Scopes)
}

func (s *server) deleteResourceScope(w http.ResponseWriter, r *http.Request, found *apiResource) {
	found.Scopes = slices.DeleteFunc(found.Scopes, func(scope resourceScope) bool { return scope.Name == r.PathValue("scope") })
	w.WriteHeader(http.StatusNoContent)
}
