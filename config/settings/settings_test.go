package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"lockstep/config"
	"lockstep/config/mirror"
)

// alone gives a test an environment without settings, and returns its working folder.
func alone(t *testing.T) string {
	t.Helper()
	for _, s := range keys() {
		t.Setenv(s.variable(), "")
	}
	t.Setenv(fileVariable, "")
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	folder := t.TempDir()
	t.Chdir(folder)
	return folder
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutAnythingSettingsAreTheDefaults(t *testing.T) {
	alone(t)
	got, err := Load(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{TaskQueue: "lockstep", CacheDir: filepath.Join(os.Getenv("XDG_CACHE_HOME"), "lockstep"),
		UIURL: "http://localhost:8233", LogLevel: "info", LogFormat: "text", MaxConcurrentActivities: 20,
		StopTimeout: config.Duration(30 * time.Second), CodecServer: CodecServer{Server: Server{Address: "127.0.0.1:8087"}}, API: Server{Address: "127.0.0.1:8088"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFlagWinsOverTheVariableOverTheFile(t *testing.T) {
	file := filepath.Join(alone(t), "mine.yaml")
	write(t, file, "taskQueue: file\nlogLevel: warn\nmaxConcurrentActivities: 5\nuiURL: http://file\n")
	t.Setenv("LOCKSTEP_TASK_QUEUE", "variable")
	t.Setenv("LOCKSTEP_UI_URL", "http://variable")
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(flags)
	if err := flags.Parse([]string{"--task-queue", "flag", "--mirrors", "docker.io=http://127.0.0.1:5000"}); err != nil {
		t.Fatal(err)
	}
	got, err := Load(flags, file)
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{TaskQueue: "flag", UIURL: "http://variable", LogLevel: "warn", LogFormat: "text", MaxConcurrentActivities: 5,
		StopTimeout: config.Duration(30 * time.Second), CacheDir: got.CacheDir, CodecServer: got.CodecServer, API: got.API, Mirrors: mirror.Map{"docker.io": "http://127.0.0.1:5000"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestANestedSettingHasAFlagAVariableAndAKey(t *testing.T) {
	file := filepath.Join(alone(t), "mine.yaml")
	write(t, file, "deployment:\n  name: lockstep\n  buildID: file\nhealth:\n  address: :8086\nencryption:\n  keys: /keys\n")
	t.Setenv("LOCKSTEP_DEPLOYMENT_BUILD_ID", "variable")
	t.Setenv("LOCKSTEP_STOP_TIMEOUT", "5m")
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(flags)
	if err := flags.Parse([]string{"--deployment-current", "true", "--encryption-current", "2026"}); err != nil {
		t.Fatal(err)
	}
	got, err := Load(flags, file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Deployment{Name: "lockstep", BuildID: "variable", Current: true}, got.Deployment); diff != "" {
		t.Errorf("deployment (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Encryption{Keys: "/keys", Current: "2026"}, got.Encryption); diff != "" {
		t.Errorf("encryption (-want +got):\n%s", diff)
	}
	if got.Health.Address != ":8086" || got.StopTimeout != config.Duration(5*time.Minute) {
		t.Errorf("health %+v, stop timeout %s", got.Health, got.StopTimeout)
	}
}

func TestTheCodecServerAnswersPagesOfTheTemporalUI(t *testing.T) {
	for _, c := range []struct {
		holds, set, ui string
		want           Origins
	}{
		{"that of uiURL, without its path", "", "https://Temporal.example.com:443/ui", Origins{"https://temporal.example.com"}},
		{"those that are set", "http://localhost:8080, https://ui.example.com", "http://localhost:8233", Origins{"http://localhost:8080", "https://ui.example.com"}},
	} {
		alone(t)
		t.Setenv("LOCKSTEP_CODEC_SERVER_ORIGINS", c.set)
		t.Setenv("LOCKSTEP_UI_URL", c.ui)
		got, err := Load(nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got.CodecServer.Pages(got.UIURL)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.holds, diff)
		}
	}
}

func TestTheUsersFileIsFound(t *testing.T) {
	alone(t)
	write(t, filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "lockstep", File), "mirrors:\n  docker.io: http://127.0.0.1:1\n  helm.wso2.com: http://127.0.0.1:2/charts\n")
	got, err := Load(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mirror.Map{"docker.io": "http://127.0.0.1:1", "helm.wso2.com": "http://127.0.0.1:2/charts"}, got.Mirrors); diff != "" {
		t.Errorf("mirrors (-want +got):\n%s", diff)
	}
}

func TestTheWorkingFolderMayBeAnybodys(t *testing.T) {
	folder := alone(t)
	attack := "uiURL: http://evil.example.com\nclusters: clusters\nmirrors: {docker.io: 'http://evil.example.com'}\napi: {accessFile: all.yaml}\n"
	write(t, filepath.Join(folder, File), attack)
	got, err := Load(nil, "")
	if err != nil || got.UIURL != "http://localhost:8233" || got.Clusters != "" || got.Mirrors != nil || got.API.AccessFile != "" {
		t.Errorf("the file was obeyed: %+v, %v", got, err)
	}
	if note := Overlooked(""); !strings.Contains(note, "lockstep.yaml in the working folder is not read") || !strings.Contains(note, "--config lockstep.yaml or set LOCKSTEP_CONFIG") {
		t.Errorf("the note is %q", note)
	}
	t.Setenv(fileVariable, File)
	if got, err = Load(nil, ""); err != nil || got.UIURL != "http://evil.example.com" || Overlooked("") != "" {
		t.Errorf("a file that the user named: %+v, %v, %q", got, err, Overlooked(""))
	}
	t.Setenv(fileVariable, "")
	if got, err = Load(nil, filepath.Join(folder, File)); err != nil || got.Clusters != filepath.Join(folder, "clusters") || Overlooked(filepath.Join(folder, File)) != "" {
		t.Errorf("a file that the user named: %+v, %v", got, err)
	}
	if err := os.Remove(File); err != nil || Overlooked("") != "" {
		t.Errorf("where there is none: %q, %v", Overlooked(""), err)
	}
}

func TestPathsInASettingsFileAreBesideIt(t *testing.T) {
	alone(t)
	mine := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "lockstep")
	write(t, filepath.Join(mine, File), "clusters: clusters\nkubeconfig: ../kube\nenvironments: /envs\nencryption: {keys: keys}\napi: {accessFile: access.yaml}\n")
	t.Setenv("LOCKSTEP_API_ACCESS_FILE", "here.yaml")
	got, err := Load(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{got.Clusters: filepath.Join(mine, "clusters"), got.Kubeconfig: filepath.Join(filepath.Dir(mine), "kube"), got.Environments: "/envs",
		got.Encryption.Keys: filepath.Join(mine, "keys"), got.API.AccessFile: "here.yaml"} {
		if path != want {
			t.Errorf("got %q, want %q", path, want)
		}
	}
	if got.TaskQueue != "lockstep" {
		t.Errorf("task queue %q", got.TaskQueue)
	}
}

func TestAnExecutableNamedLockstepIsNoSettingsFile(t *testing.T) {
	folder := alone(t)
	write(t, filepath.Join(folder, "lockstep"), "\x7fELF")
	if _, err := Load(nil, ""); err != nil {
		t.Error(err)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for _, c := range []struct{ holds, file, says string }{
		{"an unknown key names the one meant", "taskqueues: a\n", "did you mean taskQueue?"},
		{"two unknown keys come at once", "one: 1\ntwo: 2\n", "two: is not a setting"},
		{"a level is a level", "logLevel: loud\n", `logLevel "loud": is not a log level; write debug`},
		{"a format is a format", "logFormat: xml\n", `logFormat "xml": is not a log format`},
		{"a number is in range", "maxConcurrentActivities: 0\n", `maxConcurrentActivities "0": is out of range; write 1 to 1000`},
		{"a number is a number", "maxConcurrentActivities: many\n", `maxConcurrentActivities "many": is of the wrong type; write a whole number`},
		{"a switch is on or off", "deployment: {name: lockstep, current: maybe}\n", `deployment.current "maybe": is of the wrong type; write true or false`},
		{"a duration is a duration", "stopTimeout: soon\n", `stopTimeout: "soon" is not a duration: write it as "90s"`},
		{"a duration has a unit", "stopTimeout: 30\n", `stopTimeout "30ns": is out of range; write 1s to 1h, with the unit`},
		{"a worker has an hour to stop at most", "stopTimeout: 2h\n", `stopTimeout "2h": is out of range`},
		{"an address has a port", "health: {address: localhost}\n", `health.address "localhost": is not an address with a port; write it as :8086`},
		{"a nested key is a key", "deployment: {buildid: a, nam: b}\n", "did you mean deployment.name?"},
		{"a group is no value", "deployment: blue\n", "deployment: expected a map"},
		{"a build belongs to a deployment", "deployment: {buildID: '1.2.3'}\n", `deployment.buildID "1.2.3": is set, but deployment.name is missing; set deployment.name (LOCKSTEP_DEPLOYMENT_NAME)`},
		{"what is made current has a name", "deployment: {current: true}\n", "set deployment.name (LOCKSTEP_DEPLOYMENT_NAME)"},
		{"a build is not Temporal's own", "deployment: {name: lockstep, buildID: __unversioned__}\n", `deployment.buildID "__unversioned__"`},
		{"a deployment's name has no dot", "deployment: {name: lock.step}\n", `deployment.name "lock.step": is not a name that Temporal accepts`},
		{"a current key is in a folder", "encryption: {current: '2026'}\n", `encryption.current "2026": names a key, but encryption.keys names no folder of keys; set encryption.keys (LOCKSTEP_ENCRYPTION_KEYS)`},
		{"an origin has no path", "codecServer: {origins: ['http://ui/temporal']}\n", `codecServer.origins "http://ui/temporal": is not the origin of a web page`},
		{"an origin has a scheme", "codecServer: {origins: [ui]}\n", `codecServer.origins "ui"`},
		{"the codec server has an address", "codecServer: {address: here}\n", `codecServer.address "here": is not an address with a port; write it as :8087`},
		{"anybody is anybody on this machine", "codecServer: {anonymous: true, address: ':8087'}\n", `codecServer.address ":8087" is reachable from other machines; write codecServer.address: 127.0.0.1:8087`},
		{"a UI for anybody", "codecServer: {anonymous: true, ui: 'http://temporal-ui:8080'}\n", "does not go with codecServer.anonymous"},
		{"a UI has an address", "codecServer: {ui: temporal-ui}\n", `codecServer.ui "temporal-ui": is not the address of a Temporal UI`},
		{"some are not anybody", "codecServer: {anonymous: true, accessFile: a.yaml}\n", "remove one of the two"},
		{"a certificate has a key", "codecServer: {tlsCert: a.pem}\n", "codecServer.tlsKey: is missing, but codecServer.tlsCert is set; set both, or remove both"},
		{"the API has an address", "api: {address: here}\n", `api.address "here": is not an address with a port; write it as :8088`},
		{"anybody who may do everything is on this machine", "api: {anonymous: true, address: ':8088'}\n", `api.address ":8088" is reachable from other machines; write api.address: 127.0.0.1:8088`},
		{"the API is for some or for anybody", "api: {anonymous: true, accessFile: a.yaml}\n", `api.anonymous "true": does not go with api.accessFile; remove one of the two`},
		{"the API's certificate has a key", "api: {tlsKey: a.pem}\n", "api.tlsCert: is missing, but api.tlsKey is set"},
		{"a URL is a URL", "uiURL: localhost\n", "uiURL"},
		{"a mirror has a base URL", "mirrors: {docker.io: '127.0.0.1:5000'}\n", "mirrors: host \"docker.io\": \"127.0.0.1:5000\" is not a base URL"},
		{"YAML is YAML", "a: [\n", "reading settings"},
	} {
		t.Run(c.holds, func(t *testing.T) {
			file := filepath.Join(alone(t), "other.yaml")
			write(t, file, c.file)
			_, err := Load(nil, file)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want %q in: %v", c.says, err)
			}
		})
	}
	if _, err := Load(nil, "/nowhere/lockstep.yaml"); err == nil {
		t.Error("a file that was named must be there")
	}
}
