package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlaceholdersAreOfTheSecretUnlessThePodsHaveThemAnyway(t *testing.T) {
	toml := func(text string) Values {
		return Values{"deploymentToml": map[string]any{"extraConfigs": text}}
	}
	apim := func(more map[string]any, text string) Values {
		configurations := map[string]any{"extraConfigs": text, "existingSecret": more}
		return Values{"wso2": map[string]any{"apim": map[string]any{"configurations": configurations},
			"deployment": map[string]any{"envs": map[string]any{"MINE": "x"}}}}
	}
	for _, test := range []struct {
		holds  string
		values Values
		want   []string
	}{
		{"nobody sets a name for beginning with WSO2_ or LOCKSTEP_", toml("a = '$env{WSO2_DB_PASSWORD}$env{LOCKSTEP_X}'"), []string{"LOCKSTEP_X", "WSO2_DB_PASSWORD"}},
		{"Lockstep's own of Identity Server", toml("a = '$env{WSO2_ADMIN_PASSWORD}$env{WSO2_KEYSTORE_PASSWORD}$env{WSO2_ENCRYPTION_KEY}'"), nil},
		{"the charts' and the images'", toml("a = '$env{NODE_IP}$env{JAVA_OPTS}$env{HOSTNAME}'"), nil},
		{"API Manager's are not Identity Server's", toml("a = '$env{WSO2_TLS_KEYSTORE_PASSWORD}'"), []string{"WSO2_TLS_KEYSTORE_PASSWORD"}},
		{"nor the other way round", apim(nil, "a = '$env{WSO2_KEYSTORE_PASSWORD}$env{WSO2_TLS_KEYSTORE_PASSWORD}$env{MINE}'"), []string{"WSO2_KEYSTORE_PASSWORD"}},
		{"a database's comes with the name of its key", apim(map[string]any{"apimDBPasswordKey": "db"}, "a = '$env{WSO2_APIM_DB_PASSWORD}$env{WSO2_SHARED_DB_PASSWORD}'"), []string{"WSO2_SHARED_DB_PASSWORD"}},
	} {
		if diff := cmp.Diff(test.want, test.values.EnvReferences()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.holds, diff)
		}
	}
}
