// Package keymanager is the key managers that an administrator registers: what they are made of, API Manager's calls to
// them, and their keys.
package keymanager

import (
	"maps"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/rest"
)

// KeyManager is KeyManager of the admin API v4.
type KeyManager struct {
	ID                         string         `json:"id"`
	Name                       string         `json:"name"`
	DisplayName                string         `json:"displayName,omitempty"`
	Type                       string         `json:"type"`
	Description                string         `json:"description,omitempty"`
	WellKnownEndpoint          string         `json:"wellKnownEndpoint,omitempty"`
	IntrospectionEndpoint      string         `json:"introspectionEndpoint,omitempty"`
	ClientRegistrationEndpoint string         `json:"clientRegistrationEndpoint,omitempty"`
	TokenEndpoint              string         `json:"tokenEndpoint,omitempty"`
	DisplayTokenEndpoint       string         `json:"displayTokenEndpoint,omitempty"`
	RevokeEndpoint             string         `json:"revokeEndpoint,omitempty"`
	DisplayRevokeEndpoint      string         `json:"displayRevokeEndpoint,omitempty"`
	UserInfoEndpoint           string         `json:"userInfoEndpoint,omitempty"`
	AuthorizeEndpoint          string         `json:"authorizeEndpoint,omitempty"`
	Certificates               *Certificates  `json:"certificates,omitempty"`
	Issuer                     string         `json:"issuer,omitempty"`
	Alias                      string         `json:"alias,omitempty"`
	ScopeManagementEndpoint    string         `json:"scopeManagementEndpoint,omitempty"`
	AvailableGrantTypes        []string       `json:"availableGrantTypes"`
	EnableTokenGeneration      bool           `json:"enableTokenGeneration"`
	EnableTokenEncryption      bool           `json:"enableTokenEncryption"`
	EnableTokenHashing         bool           `json:"enableTokenHashing"`
	EnableMapOAuthConsumerApps bool           `json:"enableMapOAuthConsumerApps"`
	EnableOAuthAppCreation     bool           `json:"enableOAuthAppCreation"`
	EnableSelfValidationJWT    bool           `json:"enableSelfValidationJWT"`
	ClaimMapping               []ClaimMapping `json:"claimMapping"`
	ConsumerKeyClaim           string         `json:"consumerKeyClaim"`
	ScopesClaim                string         `json:"scopesClaim"`
	TokenValidation            []any          `json:"tokenValidation"`
	Enabled                    bool           `json:"enabled"`
	AdditionalProperties       map[string]any `json:"additionalProperties"`
	Permissions                *Permissions   `json:"permissions,omitempty"`
	TokenType                  string         `json:"tokenType"`
	AllowedOrganizations       []string       `json:"allowedOrganizations"`
}

// Certificates are where the keys of a key manager are.
type Certificates struct {
	Type  string `json:"type,omitempty"`
	Value string `json:"value,omitempty"`
}

// ClaimMapping is the name of a claim at a key manager, and here.
type ClaimMapping struct {
	RemoteClaim string `json:"remoteClaim"`
	LocalClaim  string `json:"localClaim"`
}

// Permissions say who may use a key manager.
type Permissions struct {
	PermissionType string   `json:"permissionType"`
	Roles          []string `json:"roles"`
}

// New has the defaults of the specification. A client that does not send the enable switches gets a key manager that
// cannot generate keys.
func New() KeyManager {
	return KeyManager{
		EnableSelfValidationJWT: true, TokenType: "DIRECT", ConsumerKeyClaim: "azp", ScopesClaim: "scope",
		AvailableGrantTypes: []string{}, ClaimMapping: []ClaimMapping{}, TokenValidation: []any{},
		AdditionalProperties: map[string]any{}, AllowedOrganizations: []string{"ALL"},
	}
}

// Shape is the body of a request about a key manager.
func Shape() carbon.Shape {
	shape := carbon.Shape{
		"name":        {Kind: carbon.Text, Required: true, Max: 100},
		"displayName": {Kind: carbon.Text, Max: 100},
		"type":        {Kind: carbon.Text, Required: true, Min: 1, Max: 45},
		"description": {Kind: carbon.Text, Max: 256},
		"certificates": {Kind: carbon.Object, Fields: carbon.Shape{
			"type": {Kind: carbon.Text, Enum: []string{"JWKS", "PEM"}}, "value": {Kind: carbon.Text},
		}},
		"availableGrantTypes": rest.TextList,
		"claimMapping": {Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Object, Fields: carbon.Shape{
			"remoteClaim": {Kind: carbon.Text}, "localClaim": {Kind: carbon.Text},
		}}},
		"tokenValidation": {Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Object, Fields: carbon.Shape{
			"id": {Kind: carbon.Integer}, "enable": {Kind: carbon.Flag}, "value": {Kind: carbon.Object},
			"type": {Kind: carbon.Text, Enum: []string{"REFERENCE", "JWT", "CUSTOM"}},
		}}},
		"additionalProperties": {Kind: carbon.Object},
		"permissions": {Kind: carbon.Object, Fields: carbon.Shape{
			"permissionType": {Kind: carbon.Text, Enum: []string{"PUBLIC", "ALLOW", "DENY"}}, "roles": rest.TextList,
		}},
		"tokenType":            {Kind: carbon.Text, Enum: []string{"EXCHANGED", "DIRECT", "BOTH"}},
		"allowedOrganizations": rest.TextList,
	}
	for _, name := range []string{
		"id", "wellKnownEndpoint", "introspectionEndpoint", "clientRegistrationEndpoint", "tokenEndpoint",
		"displayTokenEndpoint", "revokeEndpoint", "displayRevokeEndpoint", "userInfoEndpoint", "authorizeEndpoint", "issuer",
		"alias", "scopeManagementEndpoint", "consumerKeyClaim", "scopesClaim",
	} {
		shape[name] = carbon.Field{Kind: carbon.Text}
	}
	for _, name := range []string{
		"enableTokenGeneration", "enableTokenEncryption", "enableTokenHashing", "enableMapOAuthConsumerApps",
		"enableOAuthAppCreation", "enableSelfValidationJWT", "enabled",
	} {
		shape[name] = carbon.Field{Kind: carbon.Flag}
	}
	return shape
}

// What the API calls the resident key manager, the type of WSO2 Identity Server 7, and a secret that it does not show.
const (
	ResidentName = "Resident Key Manager"
	ResidentType = "default"
	TypeIS7      = "WSO2-IS-7"
	Mask         = "*****"
)

// Masked is what the administrator gets to see.
func (k KeyManager) Masked() KeyManager {
	if _, ok := k.AdditionalProperties["Password"]; ok {
		k.AdditionalProperties = maps.Clone(k.AdditionalProperties)
		k.AdditionalProperties["Password"] = Mask
	}
	return k
}

// Property is a connector property as text.
func (k KeyManager) Property(name string) string {
	value, _ := k.AdditionalProperties[name].(string)
	return value
}

// Validate is what the WSO2-IS-7 connector demands.
func (k KeyManager) Validate() *rest.Problem {
	if k.Name == "" {
		return &rest.KeyManagerNameEmpty
	}
	if k.Type != TypeIS7 {
		return rest.KeyManagerTypeInvalid.Because("Key Manager type " + k.Type + " is not available (simulated: only " + TypeIS7 + " is)")
	}
	for _, name := range []string{"api_resource_management_endpoint", "is7_roles_endpoint"} {
		if k.Property(name) == "" {
			return rest.KeyManagerConfigMissing.Because("Missing required configuration: " + name)
		}
	}
	switch k.Property("Authentication") {
	case "", "BasicAuth":
		return k.validateBasic()
	case "MutualTLS":
		return k.requires("MutualTLSOptions", "IdentityUser")
	}
	return rest.KeyManagerConfigMissing.Because("Authentication must be BasicAuth or MutualTLS")
}

// validateBasic fails like the connector: a property that is not there at all is a null pointer, an empty one is missed.
func (k KeyManager) validateBasic() *rest.Problem {
	for _, name := range []string{"Username", "Password"} {
		if _, there := k.AdditionalProperties[name]; !there {
			return rest.General.Because("java.lang.NullPointerException: connector property " + name)
		}
	}
	return k.requires("Username", "Password")
}

func (k KeyManager) requires(names ...string) *rest.Problem {
	for _, name := range names {
		if k.Property(name) == "" {
			return rest.KeyManagerConfigMissing.Because("Missing required configuration: " + name)
		}
	}
	return nil
}

// Resident says whether this is the key manager in API Manager itself.
func (k KeyManager) Resident() bool { return k.Type == ResidentType }
