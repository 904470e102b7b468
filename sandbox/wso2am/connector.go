package wso2am

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// connector is the WSO2-IS-7 connector of one key manager: API Manager's calls to Identity Server
// (wso2-extensions/apim-km-wso2is, wso2is7.key.manager).
type connector struct {
	client *http.Client
	km     keyManager
}

func (s *server) connector(km keyManager) connector { return connector{client: s.keyManagers, km: km} }

// statusError is an answer that is not 2xx.
type statusError struct {
	status int
	url    string
}

func (e statusError) Error() string {
	return fmt.Sprintf("Received status code: %d from key manager: %s", e.status, e.url)
}

const maxAnswer = 1 << 20

func (c connector) call(ctx context.Context, method, address string, body, answer any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.km.property("Authentication") != "MutualTLS" {
		request.SetBasicAuth(c.km.property("Username"), c.km.property("Password"))
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return statusError{response.StatusCode, address}
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer)
}

// register makes the OAuth application in Identity Server.
func (c connector) register(ctx context.Context, name, displayName string, jwt bool, request keyRequest) (id, secret string, err error) {
	tokenType := "Default"
	if jwt {
		tokenType = "JWT"
	}
	redirects := []string{}
	for _, one := range strings.Split(request.CallbackURL, ",") {
		if one = strings.TrimSpace(one); one != "" {
			redirects = append(redirects, one)
		}
	}
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	err = c.call(ctx, http.MethodPost, c.km.ClientRegistrationEndpoint, map[string]any{
		"client_name": name, "redirect_uris": redirects, "grant_types": request.Grants, "token_type_extension": tokenType,
		"ext_application_display_name": displayName, "ext_allowed_audience": "organization",
	}, &made)
	return made.ID, made.Secret, err
}

// unregister deletes it. One that is already gone is deleted.
func (c connector) unregister(ctx context.Context, id string) error {
	err := c.call(ctx, http.MethodDelete, c.km.ClientRegistrationEndpoint+"/"+url.PathEscape(id), nil, nil)
	if status, ok := err.(statusError); ok && status.status == http.StatusNotFound {
		return nil
	}
	return err
}

const (
	resourceIdentifier = "User-defined-oauth2-resource"
	resourceName       = "User-defined OAuth2 Resource"
)

// syncScopes registers an API's scopes. Even for an API without scopes the connector asks for its API resource, so an
// unreachable key manager fails API operations that have nothing to do with it.
func (c connector) syncScopes(ctx context.Context, scopes []apiScope) error {
	endpoint := c.km.property("api_resource_management_endpoint")
	var list struct {
		Resources []struct{ ID string } `json:"apiResources"`
	}
	filter := url.Values{"filter": {"identifier eq " + resourceIdentifier}}
	if err := c.call(ctx, http.MethodGet, endpoint+"?"+filter.Encode(), nil, &list); err != nil {
		return err
	}
	if len(scopes) == 0 {
		return nil
	}
	if len(list.Resources) == 0 {
		if err := c.call(ctx, http.MethodPost, endpoint, map[string]any{
			"identifier": resourceIdentifier, "name": resourceName, "requiresAuthorization": true, "scopes": scopeBodies(scopes),
		}, nil); err != nil {
			return err
		}
	} else if err := c.addScopes(ctx, endpoint+"/"+list.Resources[0].ID, scopes); err != nil {
		return err
	}
	return c.bindRoles(ctx, scopes)
}

func scopeBodies(scopes []apiScope) []map[string]string {
	bodies := []map[string]string{}
	for _, scope := range scopes {
		bodies = append(bodies, map[string]string{"name": scope.Name, "displayName": scope.display(), "description": scope.Description})
	}
	return bodies
}

func (c connector) addScopes(ctx context.Context, resource string, scopes []apiScope) error {
	var known []struct{ Name string }
	if err := c.call(ctx, http.MethodGet, resource+"/scopes", nil, &known); err != nil {
		return err
	}
	have := map[string]bool{}
	for _, scope := range known {
		have[scope.Name] = true
	}
	var added []apiScope
	for _, scope := range scopes {
		if !have[scope.Name] {
			added = append(added, scope)
		}
	}
	if len(added) == 0 {
		return nil
	}
	return c.call(ctx, http.MethodPatch, resource, map[string]any{"addedScopes": scopeBodies(added)}, nil)
}

// bindRoles gives the scopes to the roles that API Manager binds them to, and makes missing roles if
// enable_roles_creation is the JSON value true; the text "true" is not.
func (c connector) bindRoles(ctx context.Context, scopes []apiScope) error {
	for _, scope := range scopes {
		for _, name := range scope.Bindings {
			if err := c.bindRole(ctx, scope, roleName(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func roleName(name string) string {
	if internal, ok := strings.CutPrefix(name, "Internal/"); ok {
		return internal
	}
	return "system_primary_" + name
}

type scimPermission struct {
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
}

func (c connector) bindRole(ctx context.Context, scope apiScope, name string) error {
	endpoint := c.km.property("is7_roles_endpoint")
	var found struct {
		Resources []struct {
			ID          string           `json:"id"`
			Permissions []scimPermission `json:"permissions"`
		}
	}
	if err := c.call(ctx, http.MethodPost, endpoint+"/.search", map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "filter": "displayName eq " + name,
	}, &found); err != nil {
		return err
	}
	permission := scimPermission{Value: scope.Name, Display: scope.display()}
	if len(found.Resources) > 0 {
		return c.call(ctx, http.MethodPatch, endpoint+"/"+found.Resources[0].ID, map[string]any{
			"Operations": []any{map[string]any{"op": "replace", "value": map[string]any{
				"permissions": append(found.Resources[0].Permissions, permission),
			}}},
		}, nil)
	}
	if create, _ := c.km.AdditionalProperties["enable_roles_creation"].(bool); !create {
		return nil
	}
	return c.call(ctx, http.MethodPost, endpoint, map[string]any{
		"displayName": name, "permissions": []scimPermission{permission},
	}, nil)
}

// fanOut tells every enabled key manager of an API, one after the other, before the publisher gets an answer.
func (s *server) fanOut(ctx context.Context, scopes []apiScope) *problem {
	s.store.mu.Lock()
	var live []keyManager
	for _, km := range s.store.live {
		if km.Enabled && !km.resident() {
			live = append(live, km)
		}
	}
	s.store.mu.Unlock()
	for _, km := range live {
		if err := s.connector(km).syncScopes(ctx, scopes); err != nil {
			s.Env.Log.Error("Error while registering scopes", "keyManager", km.Name, "error", err.Error())
			return general.because("Error while updating key manager " + km.Name)
		}
	}
	return nil
}
