package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/workflows/workflowstest"
)

// ran is how a command line ended.
type ran struct {
	code           int
	stdout, stderr string
}

func lockstep(ctx context.Context, args ...string) ran {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, &stdout, &stderr)
	return ran{code, stdout.String(), stderr.String()}
}

// wants fails the test unless the command ended with that code and said each of the texts, on whichever stream.
func (r ran) wants(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("nothing says %q", text)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", r.stdout, r.stderr)
	}
}

// environment writes the file of a valid environment of that name, with more lines.
func environment(t *testing.T, name string, more ...string) string {
	t.Helper()
	return write(t, "apiVersion: lockstep/v1\nname: "+name+`
hostnames: {management: am.shop.test, gateway: gw.shop.test, websocket: ws.shop.test, websub: hub.shop.test, keyManager: km.shop.test}
image: {target: registry.shop.test/is:1}
`+strings.Join(more, ""))
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "environment.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBadInputIsRefusedWithExitCode2(t *testing.T) {
	valid := environment(t, "shop")
	for name, test := range map[string]struct {
		args []string
		says []string
	}{
		"unknown command":      {[]string{"deplyo"}, []string{`unknown command "deplyo"`, "deploy"}},
		"unknown flag":         {[]string{"deploy", "--fiel", valid}, []string{"unknown flag: --fiel"}},
		"no file":              {[]string{"deploy"}, []string{`required flag(s) "file" not set`}},
		"missing file":         {[]string{"deploy", "-f", "nowhere.yaml"}, []string{"nowhere.yaml", "no such file"}},
		"an argument too many": {[]string{"deploy", "-f", valid, "shop"}, []string{`"shop"`}},
		"no environment":       {[]string{"status"}, []string{"accepts 1 arg(s), received 0; see `lockstep status --help`"}},
		"unknown output":       {[]string{"version", "--output", "xml"}, []string{`"xml"`, "text or json"}},
		"unknown output, too":  {[]string{"deploy", "-f", valid, "-o", "yaml"}, []string{`"yaml"`, "text or json"}},
		"wrong settings":       {[]string{"deploy", "-f", valid, "--log-level", "loud"}, []string{"loud"}},
		"missing settings":     {[]string{"status", "shop", "--config", "nowhere.yaml"}, []string{"nowhere.yaml"}},
		"all problems at once": {[]string{"config", "validate", "-f", write(t, `apiVersion: lockstep/v1
name: Not A Name
hostnames: {management: am.shop.test, gateway: am.shop.test, websocket: ws.shop.test, websub: hub.shop.test, keyManager: km.shop.test}
image: {target: registry.shop.test/is:1}
verify: {level: thorough}
`)}, []string{"Not A Name", "hostnames.gateway", "thorough"}},
		"unknown key":                   {[]string{"config", "print", "-f", write(t, "apiVersion: lockstep/v1\nnmae: shop\n")}, []string{"nmae"}},
		"not YAML":                      {[]string{"config", "print", "-f", write(t, "{")}, []string{"environment.yaml"}},
		"a level that there is not":     {[]string{"verify", "-f", valid, "--level", "most"}, []string{"most", "full"}},
		"no such outcome":               {[]string{"history", "shop", "--outcome", "well"}, []string{`--outcome: "well" is not known: choose one of done, rolled-back`}},
		"no such operation":             {[]string{"history", "shop", "--operation", "destroy"}, []string{`--operation: "destroy" is not known: choose one of `}},
		"no history at all":             {[]string{"history", "shop", "--limit", "0"}, []string{"--limit 0 shows nothing"}},
		"no form for that":              {[]string{"ui", "shop", "--start", "destroy"}, []string{`--start: "destroy" is not known: choose one of `}},
		"two links":                     {[]string{"ui", "shop", "--list", "--history"}, []string{"[history list]"}},
		"an environment with no name":   {[]string{"config", "validate", "-f", write(t, "apiVersion: lockstep/v1\n")}, []string{"name"}},
		"an unreadable Temporal config": {[]string{"status", "shop"}, []string{"temporal.toml"}},
	} {
		t.Run(name, func(t *testing.T) {
			workflowstest.Settings(t, "127.0.0.1:1")
			if strings.HasSuffix(name, "Temporal config") {
				broken := filepath.Join(t.TempDir(), "temporal.toml")
				if err := os.WriteFile(broken, []byte("= nonsense"), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("TEMPORAL_CONFIG_FILE", broken)
			}
			r := lockstep(t.Context(), test.args...)
			r.wants(t, exitBadInput, test.says...)
			if r.stdout != "" {
				t.Errorf("an error on stdout: %q", r.stdout)
			}
			if !strings.HasPrefix(r.stderr, "lockstep: ") {
				t.Errorf("stderr: %q", r.stderr)
			}
		})
	}
}

func TestAnUnreachableTemporalEndsWithExitCode5AndTheNextMove(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := port.Addr().String()
	port.Close()
	workflowstest.Settings(t, nobody)
	file := environment(t, "shop")
	for _, args := range [][]string{{"deploy", "-f", file}, {"status", "shop"}, {"watch", "shop"}, {"cancel", "shop"}, {"retry", "shop"}, {"approve", "shop", "image", "--reason", "yes"}} {
		r := lockstep(t.Context(), args...)
		r.wants(t, exitNoTemporal, "Temporal at "+nobody+" does not answer", "TEMPORAL_ADDRESS", "bin/sandbox up")
	}
}

func TestASettingsFileInTheWorkingFolderIsNotObeyedAndItIsSaid(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("lockstep.yaml", []byte("encryption: {keys: /theirs}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lockstep(t.Context(), "status", "trial").wants(t, exitNoTemporal, "note: lockstep.yaml in the working folder is not read", "--config lockstep.yaml")
	if r := lockstep(t.Context(), "status", "trial", "--config", "lockstep.yaml"); r.code == exitNoTemporal || strings.Contains(r.stderr, "is not read") || !strings.Contains(r.stderr, "/theirs") {
		t.Errorf("the file that was named: %+v", r)
	}
}

func TestConfigPrintShowsEveryDefault(t *testing.T) {
	file := environment(t, "shop")
	r := lockstep(t.Context(), "config", "print", "-f", file)
	r.wants(t, exitDone, "name: shop", "version: 4.7.0-1", "onFailure: rollback")
	printed, err := environments.Parse([]byte(r.stdout), nil)
	if err != nil || printed.Name != "shop" {
		t.Errorf("what is printed is no environment file: %v", err)
	}
	asJSON := lockstep(t.Context(), "config", "print", "-f", file, "-o", "json")
	var env config.Environment
	if err := json.Unmarshal([]byte(asJSON.stdout), &env); err != nil || env.Namespace == "" {
		t.Errorf("%v: %s", err, asJSON.stdout)
	}
}

func TestConfigSchemaIsTheSchemaOfTheExamples(t *testing.T) {
	want, err := os.ReadFile("../examples/environment.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if r := lockstep(t.Context(), "config", "schema"); r.code != exitDone || r.stdout != string(want) {
		t.Error("`lockstep config schema` and examples/environment.schema.json differ: run `make generate`")
	}
}

func TestConfigValidateSaysThatAFileIsValid(t *testing.T) {
	r := lockstep(t.Context(), "config", "validate", "-f", "../examples/quickstart.yaml")
	r.wants(t, exitDone)
	if !strings.HasPrefix(r.stdout, "environment \"quickstart\" is valid\n  not pinned by a digest: identityServer.chart.sha256, apiManager.chart.sha256, image.base, apiManager.image, image.artifacts[0].sha256 (the") ||
		!strings.Contains(r.stdout, "  environment: 2 KiB of the 1024 KiB that an operation takes\n") || !strings.Contains(r.stdout, "apiManager.values: ") {
		t.Errorf("stdout: %q", r.stdout)
	}
}

func TestVersionSaysWhatWasBuilt(t *testing.T) {
	lockstep(t.Context(), "version").wants(t, exitDone, "lockstep ", "go1.")
	var built map[string]string
	r := lockstep(t.Context(), "version", "-o", "json")
	if err := json.Unmarshal([]byte(r.stdout), &built); err != nil || built["version"] == "" || built["go"] == "" {
		t.Errorf("%v: %s", err, r.stdout)
	}
}

func TestHelpExplainsTheExitCodes(t *testing.T) {
	r := lockstep(t.Context(), "--help")
	r.wants(t, exitDone, "Exit codes", "deploy", "watch", "completion")
	if strings.Contains(r.stdout, "--mirrors") {
		t.Error("the worker's settings are offered")
	}
}
