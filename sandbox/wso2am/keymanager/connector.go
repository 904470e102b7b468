package keymanager

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

// Connector makes the calls of the WSO2-IS-7 connector of one key manager to Identity Server
// (wso2-extensions/apim-km-wso2is, wso2is7.key.manager).
type Connector struct {
	Client     *http.Client
	KeyManager KeyManager
}

// statusError is an answer that is not 2xx.
type statusError struct {
	status int
	url    string
}

func (e statusError) Error() string {
	return fmt.Sprintf("Received status code: %d from key manager: %s", e.status, e.url)
}

const maxAnswer = 1 << 20

func (c Connector) call(ctx context.Context, method, address string, body, answer any) error {
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
	if c.KeyManager.Property("Authentication") != "MutualTLS" {
		request.SetBasicAuth(c.KeyManager.Property("Username"), c.KeyManager.Property("Password"))
	}
	response, err := c.Client.Do(request)
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

// Register makes the OAuth application in Identity Server.
func (c Connector) Register(ctx context.Context, name, displayName string, jwt bool, grants []string, callbackURL string) (id, secret string, err error) {
	tokenType := "Default"
	if jwt {
		tokenType = "JWT"
	}
	redirects := []string{}
	for _, one := range strings.Split(callbackURL, ",") {
		if one = strings.TrimSpace(one); one != "" {
			redirects = append(redirects, one)
		}
	}
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	err = c.call(ctx, http.MethodPost, c.KeyManager.ClientRegistrationEndpoint, map[string]any{
		"client_name": name, "redirect_uris": redirects, "grant_types": grants, "token_type_extension": tokenType,
		"ext_application_display_name": displayName, "ext_allowed_audience": "organization",
	}, &made)
	return made.ID, made.Secret, err
}

// Unregister deletes it. One that is already gone is deleted.
func (c Connector) Unregister(ctx context.Context, id string) error {
	err := c.call(ctx, http.MethodDelete, c.KeyManager.ClientRegistrationEndpoint+"/"+url.PathEscape(id), nil, nil)
	if status, ok := err.(statusError); ok && status.status == http.StatusNotFound {
		return nil
	}
	return err
}

const (
	resourceIdentifier = "User-defined-oauth2-resource"
	resourceName       = "User-defined OAuth2 Resource"
)

// SyncScopes registers an API's scopes. Even for an API without scopes the connector asks for its API resource, so an
// unreachable key manager fails API operations that have nothing to do with it.
func (c Connector) SyncScopes(ctx context.Context, scopes []Scope) error {
	endpoint := c.KeyManager.Property("api_resource_management_endpoint")
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

func scopeBodies(scopes []Scope) []map[string]string {
	bodies := []map[string]string{}
	for _, scope := range scopes {
		bodies = append(bodies, map[string]string{"name": scope.Name, "displayName": scope.Display(), "description": scope.Description})
	}
	return bodies
}

func (c Connector) addScopes(ctx context.Context, resource string, scopes []Scope) error {
	var known []struct{ Name string }
	if err := c.call(ctx, http.MethodGet, resource+"/scopes", nil, &known); err != nil {
		return err
	}
	have := map[string]bool{}
	for _, scope := range known {
		have[scope.Name] = true
	}
	var added []Scope
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
func (c Connector) bindRoles(ctx context.Context, scopes []Scope) error {
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

func (c Connector) bindRole(ctx context.Context, scope Scope, name string) error {
	endpoint := c.KeyManager.Property("is7_roles_endpoint")
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
	permission := scimPermission{Value: scope.Name, Display: scope.Display()}
	if len(found.Resources) > 0 {
		return c.call(ctx, http.MethodPatch, endpoint+"/"+found.Resources[0].ID, map[string]any{
			"Operations": []any{map[string]any{"op": "replace", "value": map[string]any{
				"permissions": append(found.Resources[0].Permissions, permission),
			}}},
		}, nil)
	}
	if create, _ := c.KeyManager.AdditionalProperties["enable_roles_creation"].(bool); !create {
		return nil
	}
	return c.call(ctx, http.MethodPost, endpoint, map[string]any{
		"displayName": name, "permissions": []scimPermission{permission},
	}, nil)
}
