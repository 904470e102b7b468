package deploymenttoml_test

import (
	"testing"

	"lockstep/config"
	"lockstep/config/deploymenttoml"
)

func TestTablesStandInForLockstepsAndCommentsDoNot(t *testing.T) {
	tables := func(text string) deploymenttoml.Own {
		env := config.Environment{IdentityServer: config.Product{Values: config.Values{"deploymentToml": map[string]any{"extraConfigs": text}}}}
		own, err := deploymenttoml.ReadOwn(env)
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
	own = tables("role_mgt.x = 1\n[[resource.access_control]]\ncontext = '(.*)/scim2/Me(.*)'\nhttp_method = 'all'\n" +
		"[[event_listener]]\nname = 'org.wso2.is.notification.ApimOauthEventInterceptor'")
	if own.RoleManagement == nil || !own.MeAccess || len(own.Listeners) != 1 {
		t.Errorf("got %+v", own)
	}
}
