package chartvalues_test

import (
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
)

// guideExtraConfigs is what WSO2's guide has people paste: it stops the server.
const guideExtraConfigs = `identityServer:
  values:
    deploymentToml:
      extraConfigs: |
        [oauth]
        authorize_all_scopes = true

        [[resource.access_control]]
        context="(.*)/scim2/Me"
        secure=true
        http_method="GET"
        cross_tenant=true
        permissions=[]
        scopes=[]

        [[event_listener]]
        id = "token_revocation"
        type = "org.wso2.carbon.identity.core.handler.AbstractIdentityHandler"
        name = "org.wso2.is.notification.ApimOauthEventInterceptor"
        order = 1
        [event_listener.properties]
        notification_endpoint = "https://<APIM_HOST>:<APIM_PORT>/internal/data/v1/notify"
        username = "${admin.username}"
        password = "${admin.password}"
        'header.X-WSO2-KEY-MANAGER' = "WSO2-IS"
`

func TestExtraConfigsAreLintedWhereTheChartPutsThem(t *testing.T) {
	const at = is + config.ISExtraConfigs
	extra := extraTOML
	configtest.Check(t, []configtest.Refusal{
		{Holds: "the guide's [oauth] comes after the chart's tables", More: guideExtraConfigs, Path: at + ", line 1", Value: "[oauth]", Says: "Lockstep sets oauth.authorize_all_scopes itself"},
		{Holds: "the guide's listener has a blank to fill in", More: guideExtraConfigs, Path: at, Value: "https://<APIM_HOST>", Says: "remove that [[event_listener]]"},
		{Holds: "the dotted key of newer guides lands in the totp table", More: extra("oauth.authorize_all_scopes = true"), Path: at + ", line 1", Value: "oauth.authorize_all_scopes", Says: "TOTP parameters"},
		{Holds: "a bare key lands there too", More: extra("x = 1"), Path: at + ", line 1", Value: "x", Says: "put it below a [table] of its own"},
		{Holds: "a table of the chart is not given again", More: extra("[user_store]\nx = 1"), Path: at + ", line 1", Value: "[user_store]", Says: "first in the chart"},
		{Holds: "nor the one that follows", More: extra("[encryption]\nx = 1"), Path: at + ", line 1", Value: "[encryption]", Says: "given twice"},
		{Holds: "nor the listeners of account locking", More: extra("[event.default_listener.identity_mgt]\nx = 1"), Path: at + ", line 1", Value: "[event.default_listener.identity_mgt]", Says: "first in the chart"},
		{Holds: "nor the databases of the chart's version", More: extra("[datasource.AgentIdentity]\nx = 1"), Path: at + ", line 1", Value: "[datasource.AgentIdentity]", Says: "first in the chart"},
		{Holds: "nor the options of a pool that has some", More: extra("[database.user.pool_options]\nx = 1") + "      database: {user: {poolOptions: {maxActive: 50}}}\n",
			Path: at + ", line 1", Value: "[database.user.pool_options]", Says: "first in the chart"},
		{Holds: "a bare key in API Manager's lands in its last table", More: configtest.Configurations(`extraConfigs: "x = 1"`), Path: apim + config.APIMConfigurations + "extraConfigs, line 1", Value: "x", Says: "below a [table] of its own"},
	})
	configtest.Parse(t, configtest.Minimal+extra("[database.user.pool_options]\nx = 1"))
	configtest.Parse(t, configtest.Minimal+extra("[role_mgt]\nallow_system_prefix_for_role = true\n[user_store.properties]\nx = 1\n[everyone]\ny = 1\n[[event_listener]]\nid = \"mine\"\n[event_listener.properties]\nz = 1"))
}
