package credentials

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/config"
	"lockstep/internal/component"
)

func TestKeysOfTheCredentialsSecretFollowFromTheUsersValues(t *testing.T) {
	env := config.Environment{
		IdentityServer: config.Product{Values: config.Values{"deploymentToml": map[string]any{
			"database":     map[string]any{"identity": map[string]any{"password": "$env{IS_DB_PASSWORD}", "url": "jdbc:x//$env{HOSTNAME}/$env{DB}"}},
			"extraConfigs": "a = \"$env{NODE_IP}$env{WSO2_ADMIN_PASSWORD}\"",
		}}},
		APIManager: config.Product{Values: config.Values{"wso2": map[string]any{
			"deployment": map[string]any{"envs": map[string]any{"OWN": "x"}},
			"apim": map[string]any{"configurations": map[string]any{
				"existingSecret": map[string]any{"apimDBPasswordKey": "apimDB"}, "extraConfigs": "a = \"$env{OWN}$env{MAIL_PASSWORD}\"",
			}},
		}}},
	}
	want := []string{"DB", "IS_DB_PASSWORD", "MAIL_PASSWORD", "apimDB"}
	if diff := cmp.Diff(want, UserKeys(env)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if keys := UserKeys(component.Trim(env, "")); len(keys) > 0 {
		t.Errorf("without values, %v are wanted", keys)
	}
}
