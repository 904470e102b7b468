package resident

import (
	"net/http"
	"slices"
	"strings"

	"lockstep/sandbox/wso2am/rest"
)

// PortalScopes are the scopes of the admin, publisher and developer APIs that exist. Others cannot be had:
// apim:keymanagers_manage, for one, is in a few guides and in no specification.
var PortalScopes = strings.Fields(`openid
	apim:admin apim:admin_operations apim:admin_settings apim:admin_alert_manage apim:tier_view apim:tier_manage apim:bl_view
	apim:bl_manage apim:app_owner_change apim:app_import_export apim:api_import_export apim:api_product_import_export
	apim:label_manage apim:label_read apim:environment_manage apim:environment_read apim:monetization_usage_publish
	apim:api_workflow_approve apim:api_workflow_view apim:bot_data apim:tenantInfo apim:tenant_theme_manage apim:scope_manage
	apim:llm_provider_manage apim:llm_provider_read apim:organization_manage apim:organization_read
	apim:policies_import_export apim:api_view apim:api_create apim:api_delete apim:api_publish apim:api_manage
	apim:api_list_view apim:api_definition_view apim:api_generate_key apim:subscription_view apim:subscription_block
	apim:subscription_manage apim:document_create apim:document_manage apim:mediation_policy_view
	apim:mediation_policy_create apim:mediation_policy_manage apim:common_operation_policy_view
	apim:common_operation_policy_manage apim:gateway_policy_view apim:gateway_policy_manage apim:client_certificates_view
	apim:client_certificates_add apim:client_certificates_update apim:client_certificates_manage
	apim:ep_certificates_view apim:ep_certificates_add apim:ep_certificates_update apim:ep_certificates_manage
	apim:publisher_settings apim:pub_alert_manage apim:shared_scope_manage apim:comment_view apim:comment_write
	apim:comment_manage apim:publisher_organization_read apim:subscribe apim:api_key apim:app_manage apim:sub_manage
	apim:store_settings apim:sub_alert_manage`)

// Scoped lets in who has a token with one of the scopes. Anything else is a 401, a token without the scope too.
func (s *Server) Scoped(scopes []string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		token, active := s.oauth.active(bearer)
		if !ok || !active || !slices.ContainsFunc(scopes, token.has) {
			w.Header().Set("WWW-Authenticate", `OAuth2 realm="WSO2 API Manager"`)
			rest.Fail(w, &rest.Unauthenticated)
			return
		}
		next(w, r)
	}
}
