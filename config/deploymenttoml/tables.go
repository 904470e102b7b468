package deploymenttoml

import (
	"fmt"
	"strings"

	"lockstep/config"
)

// RevocationListener is the event listener of the notification handler that tells API Manager of revoked tokens.
const RevocationListener = "org.wso2.is.notification.ApimOauthEventInterceptor"

// RevocationListenerType is the only type with which [RevocationListener] is ever called (apim-km-wso2is).
const RevocationListenerType = "org.wso2.carbon.identity.core.handler.AbstractIdentityHandler"

// RevocationPath is where API Manager takes the news of a revoked token.
const RevocationPath = "/internal/data/v1/notify"

// Own are the tables of a user's extraConfigs for Identity Server that replace Lockstep's.
type Own struct {
	// RoleManagement is [role_mgt]; nil: not given.
	RoleManagement map[string]any
	// MeAccess: there is a rule for reading /scim2/Me.
	MeAccess bool
	// Listeners are the event listeners named [RevocationListener].
	Listeners []map[string]any
}

// ReadOwn reads what the extraConfigs of an environment's Identity Server have of their own. Comments do not count.
func ReadOwn(e config.Environment) (Own, error) {
	all, err := Read(e.IdentityServer.Values.Text(config.ISExtraConfigs))
	if err != nil {
		return Own{}, fmt.Errorf("reading identityServer.values.%s: %w", config.ISExtraConfigs, err)
	}
	var own Own
	own.RoleManagement, _ = all["role_mgt"].(map[string]any)
	resource, _ := all["resource"].(map[string]any)
	for _, rule := range tablesIn(resource["access_control"]) {
		method := strings.ToLower(fmt.Sprint(rule["http_method"]))
		if strings.Contains(fmt.Sprint(rule["context"]), "/scim2/Me") && (method == "all" || strings.Contains(method, "get")) {
			own.MeAccess = true
		}
	}
	for _, listener := range tablesIn(all["event_listener"]) {
		if listener["name"] == RevocationListener {
			own.Listeners = append(own.Listeners, listener)
		}
	}
	return own, nil
}

func tablesIn(array any) (tables []map[string]any) {
	list, _ := array.([]any)
	for _, item := range list {
		if table, isTable := item.(map[string]any); isTable {
			tables = append(tables, table)
		}
	}
	return tables
}
