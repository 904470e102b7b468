package wso2am

import (
	"maps"

	"lockstep/sandbox/carbon"
)

// keyManager is KeyManager of the admin API v4.
type keyManager struct {
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
	Certificates               *certificates  `json:"certificates,omitempty"`
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
	ClaimMapping               []claimMapping `json:"claimMapping"`
	ConsumerKeyClaim           string         `json:"consumerKeyClaim"`
	ScopesClaim                string         `json:"scopesClaim"`
	TokenValidation            []any          `json:"tokenValidation"`
	Enabled                    bool           `json:"enabled"`
	AdditionalProperties       map[string]any `json:"additionalProperties"`
	Permissions                *permissions   `json:"permissions,omitempty"`
	TokenType                  string         `json:"tokenType"`
	AllowedOrganizations       []string       `json:"allowedOrganizations"`
}

type certificates struct {
	Type  string `json:"type,omitempty"`
	Value string `json:"value,omitempty"`
}

type claimMapping struct {
	RemoteClaim string `json:"remoteClaim"`
	LocalClaim  string `json:"localClaim"`
}

type permissions struct {
	PermissionType string   `json:"permissionType"`
	Roles          []string `json:"roles"`
}

// newKeyManager has the defaults of the specification. A client that does not send the enable switches gets a key
// manager that cannot generate keys.
func newKeyManager() keyManager {
	return keyManager{
		EnableSelfValidationJWT: true, TokenType: "DIRECT", ConsumerKeyClaim: "azp", ScopesClaim: "scope",
		AvailableGrantTypes: []string{}, ClaimMapping: []claimMapping{}, TokenValidation: []any{},
		AdditionalProperties: map[string]any{}, AllowedOrganizations: []string{"ALL"},
	}
}

var textList = carbon.Field{Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Text}}

func keyManagerShape() carbon.Shape {
	shape := carbon.Shape{
		"name":        {Kind: carbon.Text, Required: true, Max: 100},
		"displayName": {Kind: carbon.Text, Max: 100},
		"type":        {Kind: carbon.Text, Required: true, Min: 1, Max: 45},
		"description": {Kind: carbon.Text, Max: 256},
		"certificates": {Kind: carbon.Object, Fields: carbon.Shape{
			"type": {Kind: carbon.Text, Enum: []string{"JWKS", "PEM"}}, "value": {Kind: carbon.Text},
		}},
		"availableGrantTypes": textList,
		"claimMapping": {Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Object, Fields: carbon.Shape{
			"remoteClaim": {Kind: carbon.Text}, "localClaim": {Kind: carbon.Text},
		}}},
		"tokenValidation": {Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Object, Fields: carbon.Shape{
			"id": {Kind: carbon.Integer}, "enable": {Kind: carbon.Flag}, "value": {Kind: carbon.Object},
			"type": {Kind: carbon.Text, Enum: []string{"REFERENCE", "JWT", "CUSTOM"}},
		}}},
		"additionalProperties": {Kind: carbon.Object},
		"permissions": {Kind: carbon.Object, Fields: carbon.Shape{
			"permissionType": {Kind: carbon.Text, Enum: []string{"PUBLIC", "ALLOW", "DENY"}}, "roles": textList,
		}},
		"tokenType":            {Kind: carbon.Text, Enum: []string{"EXCHANGED", "DIRECT", "BOTH"}},
		"allowedOrganizations": textList,
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

const (
	typeIS7 = "WSO2-IS-7"
	mask    = "*****"
)

// masked is what the administrator gets to see.
func (k keyManager) masked() keyManager {
	if _, ok := k.AdditionalProperties["Password"]; ok {
		k.AdditionalProperties = maps.Clone(k.AdditionalProperties)
		k.AdditionalProperties["Password"] = mask
	}
	return k
}

// property is a connector property as text.
func (k keyManager) property(name string) string {
	value, _ := k.AdditionalProperties[name].(string)
	return value
}

// validate is what the WSO2-IS-7 connector demands.
func (k keyManager) validate() *problem {
	if k.Name == "" {
		return &keyManagerNameEmpty
	}
	if k.Type != typeIS7 {
		return keyManagerTypeInvalid.because("Key Manager type " + k.Type + " is not available (simulated: only " + typeIS7 + " is)")
	}
	for _, name := range []string{"api_resource_management_endpoint", "is7_roles_endpoint"} {
		if k.property(name) == "" {
			return keyManagerConfigMissing.because("Missing required configuration: " + name)
		}
	}
	switch k.property("Authentication") {
	case "", "BasicAuth":
		return k.validateBasic()
	case "MutualTLS":
		return k.requires("MutualTLSOptions", "IdentityUser")
	}
	return keyManagerConfigMissing.because("Authentication must be BasicAuth or MutualTLS")
}

// validateBasic fails like the connector: a property that is not there at all is a null pointer, an empty one is missed.
func (k keyManager) validateBasic() *problem {
	for _, name := range []string{"Username", "Password"} {
		if _, there := k.AdditionalProperties[name]; !there {
			return general.because("java.lang.NullPointerException: connector property " + name)
		}
	}
	return k.requires("Username", "Password")
}

func (k keyManager) requires(names ...string) *problem {
	for _, name := range names {
		if k.property(name) == "" {
			return keyManagerConfigMissing.because("Missing required configuration: " + name)
		}
	}
	return nil
}
