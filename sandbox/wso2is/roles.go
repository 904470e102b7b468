package wso2is

import (
	"net/http"
	"strconv"
	"strings"

	"lockstep/sandbox/carbon"
)

// role is a SCIM 2 role of Identity Server 7.
type role struct {
	Schemas     []string     `json:"schemas"`
	ID          string       `json:"id"`
	DisplayName string       `json:"displayName"`
	Permissions []permission `json:"permissions"`
}

type permission struct {
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
}

const (
	rolesPath      = "/scim2/v2/Roles"
	roleSchema     = "urn:ietf:params:scim:schemas:extension:2.0:Role"
	reservedPrefix = "system_"
)

func (s *server) roleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+rolesPath, s.admin(s.listRoles))
	mux.HandleFunc("POST "+rolesPath, s.admin(s.createRole))
	mux.HandleFunc("POST "+rolesPath+"/.search", s.admin(s.searchRoles))
	mux.HandleFunc("GET "+rolesPath+"/{id}", s.admin(s.withRole(s.readRole)))
	mux.HandleFunc("PATCH "+rolesPath+"/{id}", s.admin(s.withRole(s.patchRole)))
	mux.HandleFunc("DELETE "+rolesPath+"/{id}", s.admin(s.withRole(s.deleteRole)))
}

func scimJSON(w http.ResponseWriter, status int, body any) {
	carbon.JSON(scimWriter{w}, status, body)
}

// scimWriter keeps the media type of SCIM.
type scimWriter struct{ http.ResponseWriter }

func (w scimWriter) WriteHeader(status int) {
	w.Header().Set("Content-Type", "application/scim+json")
	w.ResponseWriter.WriteHeader(status)
}

func scimError(w http.ResponseWriter, status int, detail string) {
	scimJSON(w, status, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "detail": detail, "status": strconv.Itoa(status),
	})
}

func (s *server) withRole(next func(http.ResponseWriter, *http.Request, *role)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		found, ok := s.store.roles[r.PathValue("id")]
		if !ok {
			scimError(w, http.StatusNotFound, "Role not found for the id "+r.PathValue("id"))
			return
		}
		next(w, r, found)
	}
}

func (s *server) listRoles(w http.ResponseWriter, r *http.Request) {
	s.findRoles(w, r.URL.Query().Get("filter"))
}

func (s *server) searchRoles(w http.ResponseWriter, r *http.Request) {
	var search struct{ Filter string }
	if err := carbon.Decode(r.Body, carbon.Shape{
		"schemas": {Kind: carbon.List, Items: texts.Items, Required: true}, "filter": {Kind: carbon.Text},
		"startIndex": {Kind: carbon.Integer}, "count": {Kind: carbon.Integer},
	}, &search); err != nil {
		scimError(w, http.StatusBadRequest, err.Error())
		return
	}
	s.findRoles(w, search.Filter)
}

func (s *server) findRoles(w http.ResponseWriter, filter string) {
	wanted, filtered := strings.CutPrefix(filter, "displayName eq ")
	if filter != "" && !filtered {
		scimError(w, http.StatusBadRequest, "Unsupported filter (simulated): "+filter)
		return
	}
	wanted = strings.Trim(wanted, `"`)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found := []*role{}
	for _, one := range s.store.roles {
		if !filtered || strings.EqualFold(one.DisplayName, wanted) {
			found = append(found, one)
		}
	}
	scimJSON(w, http.StatusOK, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, "totalResults": len(found),
		"startIndex": 1, "itemsPerPage": len(found), "Resources": found,
	})
}

// createRole keeps the prefix of its own roles to itself, unless [role_mgt] allow_system_prefix_for_role says otherwise.
func (s *server) createRole(w http.ResponseWriter, r *http.Request) {
	var made role
	if err := carbon.Decode(r.Body, carbon.Shape{
		"schemas": texts, "displayName": {Kind: carbon.Text, Required: true, Min: 1},
		"permissions": permissionList(), "audience": {Kind: carbon.Object}, "users": {Kind: carbon.List}, "groups": {Kind: carbon.List},
	}, &made); err != nil {
		scimError(w, http.StatusBadRequest, err.Error())
		return
	}
	if strings.HasPrefix(strings.ToLower(made.DisplayName), reservedPrefix) && !s.options.systemRoles {
		scimError(w, http.StatusBadRequest, "Invalid role name: "+made.DisplayName+". Role names with the prefix: "+
			reservedPrefix+", is not allowed to be created from externally in the system.")
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, other := range s.store.roles {
		if strings.EqualFold(other.DisplayName, made.DisplayName) {
			scimError(w, http.StatusConflict, "Role with name: "+made.DisplayName+" already exists")
			return
		}
	}
	made.ID, made.Schemas = carbon.UUID(), []string{roleSchema}
	s.store.roles[made.ID] = &made
	scimJSON(w, http.StatusCreated, made)
}

func permissionList() carbon.Field {
	return carbon.Field{Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Object, Fields: carbon.Shape{
		"value": {Kind: carbon.Text, Required: true}, "display": {Kind: carbon.Text}, "$ref": {Kind: carbon.Text},
	}}}
}

func (s *server) readRole(w http.ResponseWriter, _ *http.Request, found *role) {
	scimJSON(w, http.StatusOK, found)
}

// patchRole knows the one operation the connector uses: replace all permissions.
func (s *server) patchRole(w http.ResponseWriter, r *http.Request, found *role) {
	var patch struct {
		Operations []struct {
			Op    string
			Value struct{ Permissions []permission }
		}
	}
	if err := carbon.Decode(r.Body, carbon.Shape{
		"schemas": texts,
		"Operations": {Kind: carbon.List, Required: true, Items: &carbon.Field{Kind: carbon.Object, Fields: carbon.Shape{
			"op":    {Kind: carbon.Text, Required: true, Enum: []string{"replace"}},
			"value": {Kind: carbon.Object, Required: true, Fields: carbon.Shape{"permissions": permissionList()}},
		}}},
	}, &patch); err != nil {
		scimError(w, http.StatusBadRequest, err.Error())
		return
	}
	for _, operation := range patch.Operations {
		found.Permissions = operation.Value.Permissions
	}
	scimJSON(w, http.StatusOK, found)
}

func (s *server) deleteRole(w http.ResponseWriter, _ *http.Request, found *role) {
	delete(s.store.roles, found.ID)
	w.WriteHeader(http.StatusNoContent)
}
