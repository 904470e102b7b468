package config

import (
	"strings"
	"testing"
)

func TestLintFindsWhatTheServersParserCannotTake(t *testing.T) {
	for _, c := range []struct {
		holds, text string
		want        []string // path and part of each problem
	}{
		{"a child after its parent is fine", "[oauth]\na = 1\n[oauth.token_cleanup]\nb = 1\n", nil},
		{"a parent after its child overflows the parser", "[oauth.token_cleanup]\nb = 1\n\n[oauth]\na = 1\n", []string{`line 4 "[oauth]": comes after [oauth.token_cleanup] in line 1`}},
		{"a grandparent counts", "[a.b.c]\n[a]\n", []string{`line 2 "[a]": comes after [a.b.c] in line 1`}},
		{"a parent after an array below it counts", "[[a.b]]\n[a]\n", []string{`line 2 "[a]": comes after [a.b]`}},
		{"a table twice", "[a]\n[b]\n[a]\n", []string{`line 3 "[a]": is given twice, first in line 1`}},
		{"arrays repeat, with tables below each element", "[[l]]\nx = 1\n[l.p]\ny = 1\n[[l]]\nx = 2\n[l.p]\ny = 2\n", nil},
		{"a table below one element twice", "[[l]]\n[l.p]\n[l.p]\n", []string{`line 3 "[l.p]": is given twice`}},
		{"a table and an array of one name", "[[l]]\n[l]\n", []string{`line 2 "[l]": is an array of tables`}},
		{"an array and a table of one name", "[l]\n[[l]]\n", []string{`line 2 "[[l]]": is a table in line 1`}},
		{"a key twice", "[a]\nx = 1\ny = 1\nx = 2\n", []string{`line 4 "x": is given twice, first in line 2`}},
		{"a dotted key twice", "a.b = 1\na.b = 2\n", []string{`line 2 "a.b": is given twice`}},
		{"a quoted dot is part of the key", "[p]\n'header.X' = 1\n[p.header]\nX = 1\n", nil},
		{"headers inside text are text", "[a]\nx = '''\n[a]\n'''\n# [a]\ny = [\n  1,\n]\n", nil},
		{"broken TOML names its line", "[a]\nx = \n", []string{"line 2: is no TOML"}},
		{"an open bracket", "[a\n", []string{"line 1: is no TOML"}},
	} {
		t.Run(c.holds, func(t *testing.T) {
			got := LintTOML(c.text)
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for i, problem := range got {
				if !strings.Contains(problem.String(), c.want[i]) {
					t.Errorf("got %s, want %s", problem, c.want[i])
				}
			}
		})
	}
}

func TestLintNeverShowsAValue(t *testing.T) {
	for _, text := range []string{"password = \"hush\"\npassword = \"hush\"\n", "password = hush\n", "password = \"hush\n", "p = 'hush' x\n"} {
		for _, problem := range LintTOML(text) {
			if strings.Contains(problem.String(), "hush") {
				t.Errorf("the value shows: %s", problem)
			}
		}
	}
}

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
	const at = isAt + isExtraConfigs
	extra := extraTOML
	check(t, []refusal{
		{holds: "the guide's [oauth] comes after the chart's tables", more: guideExtraConfigs, path: at + ", line 1", value: "[oauth]", says: "Lockstep sets oauth.authorize_all_scopes itself"},
		{holds: "the guide's listener has a blank to fill in", more: guideExtraConfigs, path: at, value: "https://<APIM_HOST>", says: "remove that [[event_listener]]"},
		{holds: "the dotted key of newer guides lands in the totp table", more: extra("oauth.authorize_all_scopes = true"), path: at + ", line 1", value: "oauth.authorize_all_scopes", says: "TOTP parameters"},
		{holds: "a bare key lands there too", more: extra("x = 1"), path: at + ", line 1", value: "x", says: "put it under a header of its own"},
		{holds: "a table of the chart is not given again", more: extra("[user_store]\nx = 1"), path: at + ", line 1", value: "[user_store]", says: "first in the chart"},
		{holds: "nor the one that follows", more: extra("[encryption]\nx = 1"), path: at + ", line 1", value: "[encryption]", says: "given twice"},
		{holds: "nor the listeners of account locking", more: extra("[event.default_listener.identity_mgt]\nx = 1"), path: at + ", line 1", value: "[event.default_listener.identity_mgt]", says: "first in the chart"},
		{holds: "nor the databases of the chart's version", more: extra("[datasource.AgentIdentity]\nx = 1"), path: at + ", line 1", value: "[datasource.AgentIdentity]", says: "first in the chart"},
		{holds: "nor the options of a pool that has some", more: extra("[database.user.pool_options]\nx = 1") + "      database: {user: {poolOptions: {maxActive: 50}}}\n",
			path: at + ", line 1", value: "[database.user.pool_options]", says: "first in the chart"},
		{holds: "a bare key in API Manager's lands in its last table", more: configurations(`extraConfigs: "x = 1"`), path: apimAt + apimPrefix + "extraConfigs, line 1", value: "x", says: "under a header of its own"},
	})
	parse(t, minimal+extra("[database.user.pool_options]\nx = 1"))
	parse(t, minimal+extra("[role_mgt]\nallow_system_prefix_for_role = true\n[user_store.properties]\nx = 1\n[everyone]\ny = 1\n[[event_listener]]\nid = \"mine\"\n[event_listener.properties]\nz = 1"))
}
