package apim

import "lockstep/config"

// Registration is what a key manager is registered with.
type Registration struct {
	// Service is Identity Server as API Manager's pods reach it, as https://is-identity-server:9443.
	Service string
	// Public is Identity Server as users reach it, as https://km.example.com.
	Public string
	// Issuer as read from the discovery document.
	Issuer string
	// Username and Password of the account that the connector uses in Identity Server.
	Username, Password string
}

// NewKeyManager is the whole registration of Identity Server 7: every field of the guide's table and those that the portal fills
// in for its users but an API client must send (product-apim, integration tests, key-manager-payloads/wso2is7.json).
func NewKeyManager(km config.KeyManager, r Registration) KeyManager {
	return KeyManager{
		"name": km.Name, "displayName": km.DisplayName, "type": ConnectorType, "enabled": true,
		"description":                "Registered by Lockstep",
		"wellKnownEndpoint":          r.Service + "/oauth2/token/.well-known/openid-configuration",
		"issuer":                     r.Issuer,
		"clientRegistrationEndpoint": r.Service + "/api/identity/oauth2/dcr/v1.1/register",
		"introspectionEndpoint":      r.Service + "/oauth2/introspect",
		"tokenEndpoint":              r.Service + "/oauth2/token",
		"displayTokenEndpoint":       r.Public + "/oauth2/token",
		"revokeEndpoint":             r.Service + "/oauth2/revoke",
		"displayRevokeEndpoint":      r.Public + "/oauth2/revoke",
		"userInfoEndpoint":           r.Service + "/scim2/Me", // not /oauth2/userinfo, which discovery fills in
		"authorizeEndpoint":          r.Public + "/oauth2/authorize",
		"scopeManagementEndpoint":    r.Service + "/api/identity/oauth2/v1.0/scopes",
		"certificates":               map[string]any{"type": "JWKS", "value": r.Service + "/oauth2/jwks"},
		"consumerKeyClaim":           "azp",
		"scopesClaim":                "scope",
		"availableGrantTypes":        km.GrantTypes,
		"enableTokenGeneration":      true,
		"enableOAuthAppCreation":     true,
		"enableMapOAuthConsumerApps": true,
		"enableSelfValidationJWT":    true,
		"enableTokenEncryption":      false,
		"enableTokenHashing":         false,
		"tokenType":                  "DIRECT",
		"additionalProperties": map[string]any{
			"Authentication": "BasicAuth", "Username": r.Username, "Password": r.Password,
			"api_resource_management_endpoint": r.Service + "/api/server/v1/api-resources",
			"is7_roles_endpoint":               r.Service + "/scim2/v2/Roles",
			"enable_roles_creation":            km.CreatesRoles(),
		},
	}
}
