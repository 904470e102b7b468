package config

import (
	"strings"
	"testing"
)

const ownListener = `[[event_listener]]
id = "token_revocation"
type = "org.wso2.carbon.identity.core.handler.AbstractIdentityHandler"
name = "org.wso2.is.notification.ApimOauthEventInterceptor"
order = 1
[event_listener.properties]
notification_endpoint = "https://apim-wso2am-all-in-one-am-service.apim.svc:9443/internal/data/v1/notify"
username = "admin"
password = "$env{WSO2_ADMIN_PASSWORD}"
'header.X-WSO2-KEY-MANAGER' = "WSO2-IS"
`

func extraTOML(toml string) string {
	return "identityServer:\n  values:\n    deploymentToml:\n      extraConfigs: |\n        " + strings.ReplaceAll(toml, "\n", "\n        ") + "\n"
}

func TestAnOwnListenerIsOneThatFires(t *testing.T) {
	const at = isAt + isExtraConfigs + ", event_listener."
	listener := func(old, new string) string {
		if !strings.Contains(ownListener, old) {
			t.Fatalf("the listener has no %s", old)
		}
		return extraTOML(strings.Replace(ownListener, old, new, 1))
	}
	const endpoint = at + "properties.notification_endpoint"
	host := func(name string) string { return listener("apim-wso2am-all-in-one-am-service.apim.svc:9443", name) }
	check(t, []refusal{
		{holds: "of the type that is looked up", more: listener(".core.handler.AbstractIdentityHandler", ".event.handler.AbstractEventHandler"),
			path: at + "type", value: "org.wso2.carbon.identity.event.handler.AbstractEventHandler", says: "never be called"},
		{holds: "not turned off", more: listener("order = 1", "enable = false"), path: at + "enable", value: "false", says: "turns off"},
		{holds: "with the connector's type, not the key manager's name", more: listener(`"WSO2-IS"`, `"WSO2IS7"`), path: at + "properties.'header.X-WSO2-KEY-MANAGER'", value: "WSO2IS7", says: "revoke nothing"},
		{holds: "with the header's key in quotes", more: listener(`'header.X-WSO2-KEY-MANAGER'`, `header.X-WSO2-KEY-MANAGER`), path: at + "properties.'header.X-WSO2-KEY-MANAGER'", says: "in quotes"},
		{holds: "with credentials", more: listener("username = \"admin\"\n", ""), path: at + "properties.username", says: "API Manager's admin"},
		{holds: "with an address", more: listener("notification_endpoint", "endpoint"), path: endpoint, says: "is missing"},
		{holds: "over TLS", more: listener("https://", "http://"), path: endpoint, says: "no https URL"},
		{holds: "at the path that listens", more: listener("/notify", "/revoke"), path: endpoint, says: "does not end in /internal/data/v1/notify"},
		{holds: "by a name of the certificate", more: host("apim.elsewhere:9443"), path: endpoint, says: "not in API Manager's certificate"},
		{holds: "not itself", more: host("localhost:9443"), path: endpoint, says: "names localhost"},
		{holds: "at the Service's port", more: host("apim-wso2am-all-in-one-am-service"), path: endpoint, says: "9443"},
	})
	for holds, text := range map[string]string{
		"as Lockstep's":               extraTOML(ownListener),
		"with the default header":     listener(`"WSO2-IS"`, `"default"`),
		"at a node":                   host("apim-wso2am-all-in-one-am-service-2:9443"),
		"at the public name":          host("am.example.com"),
		"at an additional name":       host("am.other.example.com:9443") + "certificates: {extraDNSNames: ['*.other.example.com']}\n",
		"at an address of the Secret": listener("https://apim-wso2am-all-in-one-am-service.apim.svc:9443/internal/data/v1/notify", "$env{NOTIFY}") + "credentials: {secret: mine}\n",
		"another listener":            extraTOML("[[event_listener]]\nid = 'x'\nname = 'y'"),
	} {
		t.Run(holds, func(t *testing.T) { parse(t, minimal+text) })
	}
}

func TestOwnRoleManagementLetsTheConnectorMakeRoles(t *testing.T) {
	const path = isAt + isExtraConfigs + ", role_mgt.allow_system_prefix_for_role"
	check(t, []refusal{
		{holds: "said otherwise", more: extraTOML("[role_mgt]\nallow_system_prefix_for_role = false"), path: path, value: "false", says: "keyManager.roleCreation: false"},
		{holds: "not said", more: extraTOML("[role_mgt]\nx = 1"), path: path, says: "is not true"},
	})
	parse(t, minimal+extraTOML("[role_mgt]\nx = 1")+"keyManager: {roleCreation: false}\n")
	parse(t, minimal+extraTOML("[role_mgt]\nallow_system_prefix_for_role = true"))
}

func TestTablesStandInForLockstepsAndCommentsDoNot(t *testing.T) {
	tables := func(text string) OwnTables {
		env := Environment{IdentityServer: Product{Values: Values{"deploymentToml": map[string]any{"extraConfigs": text}}}}
		own, err := env.OwnTables()
		if err != nil {
			t.Fatal(err)
		}
		return own
	}
	own := tables("# [role_mgt], /scim2/Me\n[mine]\nname = 'org.wso2.is.notification.ApimOauthEventInterceptor'\n" +
		"[[resource.access_control]]\ncontext = '(.*)/scim2/Me'\nhttp_method = 'PATCH'")
	if own.RoleManagement != nil || own.MeAccess || len(own.Listeners) > 0 {
		t.Errorf("got %+v", own)
	}
	own = tables("role_mgt.x = 1\n[[resource.access_control]]\ncontext = '(.*)/scim2/Me(.*)'\nhttp_method = 'all'\n" + ownListener)
	if own.RoleManagement == nil || !own.MeAccess || len(own.Listeners) != 1 {
		t.Errorf("got %+v", own)
	}
}
