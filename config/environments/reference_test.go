package environments_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/config"
	"lockstep/config/environments"
)

// folder is one with the quickstart as dev.yaml, and with what else is given.
func folder(t *testing.T, others map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("../../examples/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "quickstart.yaml"), string(text))
	for name, text := range others {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func reference(t *testing.T, text string) (r environments.Reference) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnEnvironmentIsTheSameByNameAndInline(t *testing.T) {
	dir := folder(t, nil)
	name := "quickstart"
	want, err := environments.Load(filepath.Join(dir, "quickstart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	byName, err := environments.Named(name).Resolve(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	inline, err := environments.Inline(want).Resolve("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, byName) + cmp.Diff(want, inline); diff != "" {
		t.Error(diff)
	}
	sent, err := json.Marshal(environments.Named(name))
	if err != nil || string(sent) != `"quickstart"` {
		t.Errorf("%s, %v", sent, err)
	}
}

func TestOverridesAreAMergePatch(t *testing.T) {
	dir := folder(t, nil)
	patch := config.Values{
		"onFailure":  "pause",
		"verify":     map[string]any{"level": "token"},
		"keyManager": nil,
		"apiManager": map[string]any{"values": map[string]any{"wso2": map[string]any{"deployment": map[string]any{"strategy": "Recreate"}}}},
	}
	env, err := environments.Named("quickstart").Resolve(dir, patch)
	if err != nil {
		t.Fatal(err)
	}
	if env.OnFailure != config.OnFailurePause || env.Verify.Level != config.VerifyToken || env.KeyManager.Name != "WSO2IS7" {
		t.Errorf("%+v", env)
	}
	if env.APIManager.Values.Text("wso2.deployment.strategy") != "Recreate" || env.Hostnames.Gateway == "" {
		t.Errorf("%+v", env.APIManager.Values)
	}
}

func TestAWrongReferenceSaysWhatToWrite(t *testing.T) {
	dir := folder(t, map[string]string{"other.yaml": "name: another", "broken.yaml": "name: [", "notes.txt": "x", ".hidden.yaml": "x"})
	for _, test := range []struct {
		reference, folder string
		overrides         config.Values
		says              string
	}{
		{``, dir, nil, `environment: is missing; write the name of an environment, as {"environment": "dev"}`},
		{`null`, dir, nil, "environment: is missing"},
		{`""`, dir, nil, "environment: is missing"},
		{`7`, dir, nil, "neither a name nor an environment"},
		{`["dev"]`, dir, nil, "neither a name nor an environment"},
		{`{}`, dir, nil, "name: is not the name of an environment"},
		{`{"name": 7}`, dir, nil, "is not the name of an environment"},
		{`"../etc/passwd"`, dir, nil, `name "../etc/passwd": is not the name of an environment`},
		{`"quickstart"`, "", nil, "no folder of environments is set; set environments (LOCKSTEP_ENVIRONMENTS)"},
		{`"quikstart"`, dir, nil, "did you mean quickstart?"},
		{`"zzz"`, dir, nil, "write one of broken, other, quickstart, or put it there as zzz.yaml"},
		{`"other"`, dir, nil, `environment "other"`},
		{`"broken"`, dir, nil, "correct the YAML there"},
		{`"broken"`, dir, config.Values{"onFailure": "keep"}, "correct the YAML there"},
		{`"quickstart"`, dir, config.Values{"name": "another"}, "is not the name of its file, quickstart"},
		{`"quickstart"`, dir, config.Values{"onFailure": "pawse"}, `onFailure "pawse"`},
		{`{"name": "dev", "onFailur": "keep"}`, "", nil, "did you mean onFailure?"},
	} {
		var r environments.Reference
		if test.reference != "" {
			r = reference(t, test.reference)
		}
		_, err := r.Resolve(test.folder, test.overrides)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", test.reference, err, test.says)
		}
		if err != nil && strings.HasPrefix(test.reference, "{") && strings.Contains(err.Error(), "(line") {
			t.Errorf("%s: %v speaks of lines", test.reference, err)
		}
	}
}

func TestOverridesReadNoFileThatTheEnvironmentDoesNotName(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	write(t, secret, "eyJhbGciOi\n")
	dir := folder(t, map[string]string{"is.yaml": "podAnnotations: {of: file}\n", "key": "c2VjcmV0\n"})
	text, err := os.ReadFile(filepath.Join(dir, "quickstart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "own.yaml"), strings.Replace(string(text), "name: quickstart", "name: own\nidentityServer: {valuesFile: is.yaml}", 1))
	if env, err := environments.Named("own").Resolve(dir, config.Values{"onFailure": "pause"}); err != nil || env.IdentityServer.Values["podAnnotations"] == nil {
		t.Errorf("its own values file: %v, %v", env.IdentityServer.Values, err)
	}
	for _, file := range []string{secret, "key", "../" + filepath.Base(dir) + "/key", "quickstart.yaml"} {
		_, err := environments.Named("own").Resolve(dir, config.Values{"apiManager": map[string]any{"valuesFile": file}})
		if err == nil || !strings.Contains(err.Error(), "overrides may not name a file") || strings.Contains(err.Error(), "eyJhbGciOi") || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestANumberThatIsTooLargeIsRefused(t *testing.T) {
	var overrides config.Values
	if err := json.Unmarshal([]byte(`{"apiManager": {"values": {"replicas": [1e400]}}}`), &overrides); err == nil || !strings.Contains(err.Error(), "1e400 is too large") {
		t.Errorf("%v, %v", overrides, err)
	}
}
