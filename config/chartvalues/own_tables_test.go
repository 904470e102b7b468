package chartvalues_test

import (
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
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
	const at = is + config.ISExtraConfigs + ", event_listener."
	listener := func(old, new string) string {
		if !strings.Contains(ownListener, old) {
			t.Fatalf("the listener has no %s", old)
		}
		return extraTOML(strings.Replace(ownListener, old, new, 1))
	}
	const endpoint = at + "properties.notification_endpoint"
	host := func(name string) string { return listener("apim-wso2am-all-in-one-am-service.apim.svc:9443", name) }
	configtest.Check(t, []configtest.Refusal{
		{Holds: "of the type that is looked up", More: listener(".core.handler.AbstractIdentityHandler", ".event.handler.AbstractEventHandler"),
			Path: at + "type", Value: "org.wso2.carbon.identity.event.handler.AbstractEventHandler", Says: "the server would never call it"},
		{Holds: "not turned off", More: listener("order = 1", "enable = false"), Path: at + "enable", Value: "false", Says: "turns off"},
		{Holds: "with the connector's type, not the key manager's name", More: listener(`"WSO2-IS"`, `"WSO2IS7"`), Path: at + "properties.'header.X-WSO2-KEY-MANAGER'", Value: "WSO2IS7", Says: "revoke nothing"},
		{Holds: "with the header's key in quotes", More: listener(`'header.X-WSO2-KEY-MANAGER'`, `header.X-WSO2-KEY-MANAGER`), Path: at + "properties.'header.X-WSO2-KEY-MANAGER'", Says: "in quotes"},
		{Holds: "with credentials", More: listener("username = \"admin\"\n", ""), Path: at + "properties.username", Says: "API Manager's admin"},
		{Holds: "with an address", More: listener("notification_endpoint", "endpoint"), Path: endpoint, Says: "is missing"},
		{Holds: "over TLS", More: listener("https://", "http://"), Path: endpoint, Says: "not an https URL"},
		{Holds: "at the path that listens", More: listener("/notify", "/revoke"), Path: endpoint, Says: "does not end in /internal/data/v1/notify"},
		{Holds: "by a name of the certificate", More: host("apim.elsewhere:9443"), Path: endpoint, Says: "not in API Manager's certificate"},
		{Holds: "not itself", More: host("localhost:9443"), Path: endpoint, Says: "names localhost"},
		{Holds: "at the Service's port", More: host("apim-wso2am-all-in-one-am-service"), Path: endpoint, Says: "9443"},
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
		t.Run(holds, func(t *testing.T) { configtest.Parse(t, configtest.Minimal+text) })
	}
}

func TestOwnRoleManagementLetsTheConnectorMakeRoles(t *testing.T) {
	const path = is + config.ISExtraConfigs + ", role_mgt.allow_system_prefix_for_role"
	configtest.Check(t, []configtest.Refusal{
		{Holds: "said otherwise", More: extraTOML("[role_mgt]\nallow_system_prefix_for_role = false"), Path: path, Value: "false", Says: "keyManager.roleCreation: false"},
		{Holds: "not said", More: extraTOML("[role_mgt]\nx = 1"), Path: path, Says: "is not true"},
	})
	configtest.Parse(t, configtest.Minimal+extraTOML("[role_mgt]\nx = 1")+"keyManager: {roleCreation: false}\n")
	configtest.Parse(t, configtest.Minimal+extraTOML("[role_mgt]\nallow_system_prefix_for_role = true"))
}
