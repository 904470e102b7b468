package check

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../../.."

// needed are the variables without a default, with values for the tests.
var needed = map[string]string{
	"POSTGRES_PASSWORD": "letters1", "LOCKSTEP_VERSION": "v1.2.0", "KUBECONFIG_FILE": "/home/me/.kube/config", "DOCKER_CONFIG_FILE": "/home/me/.docker/config.json",
	"ENCRYPTION_KEYS_DIR": "/home/me/keys", "ACCESS_DIR": "/home/me/access",
}

func TestWithoutWhatIsNeededNothingStartsAndTheVariableIsNamed(t *testing.T) {
	for variable := range needed {
		environment := maps.Clone(needed)
		environment[variable] = "" // as in .env.example
		_, err := load("docker-compose.yml", environment)
		if err == nil || !strings.Contains(err.Error(), variable) || !strings.Contains(err.Error(), ".env") {
			t.Errorf("%s: got %v", variable, err)
		}
	}
}

func TestEveryVariableIsInTheExampleAndIsUsed(t *testing.T) {
	example, err := dotenv.Read(filepath.Join(root, ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	used := variables(t)
	if listed := slices.Sorted(maps.Keys(example)); !slices.Equal(listed, slices.Sorted(maps.Keys(used))) {
		t.Errorf("docker-compose.yml uses %v, .env.example has %v", slices.Sorted(maps.Keys(used)), listed)
	}
	for name, fallback := range used {
		if example[name] != fallback {
			t.Errorf(".env.example has %s=%q, docker-compose.yml defaults to %q", name, example[name], fallback)
		}
	}
}

// variables are those of docker-compose.yml with their defaults.
func variables(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]string{}
	for _, match := range regexp.MustCompile(`\$\{(\w+)(?::-([^}]*)|:\?[^}]+)\}`).FindAllStringSubmatch(string(data), -1) {
		used[match[1]] = match[2]
	}
	if dollars := strings.Count(string(data), "$"); dollars != len(regexp.MustCompile(`\$\{\w+:[-?]`).FindAllString(string(data), -1)) {
		t.Errorf("a variable of docker-compose.yml has neither a default nor is it needed")
	}
	return used
}

// each runs a check on every service of both files.
func each(t *testing.T, check func(t *testing.T, s types.ServiceConfig)) {
	t.Helper()
	for _, file := range []string{"docker-compose.yml", "deploy/compose/trial.yml"} {
		for _, s := range project(t, file).Services {
			t.Run(file+"/"+s.Name, func(t *testing.T) { check(t, s) })
		}
	}
}

// once is true for services that set something up and end.
func once(s types.ServiceConfig) bool { return s.Restart == "no" }

func TestServicesStayUpAndSayHowTheyAreOrEndByThemselves(t *testing.T) {
	each(t, func(t *testing.T, s types.ServiceConfig) {
		switch {
		case once(s) && s.HealthCheck != nil:
			t.Error("it ends, so nobody asks how it is")
		case !once(s) && s.Restart != types.RestartPolicyUnlessStopped:
			t.Errorf("restart policy %q", s.Restart)
		case !once(s) && s.HealthCheck == nil:
			t.Error("it has no health check")
		}
	})
}

func TestImagesHaveExactVersions(t *testing.T) {
	exact := regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?$`)
	each(t, func(t *testing.T, s types.ServiceConfig) {
		if !exact.MatchString(s.Image) {
			t.Errorf("image %s", s.Image)
		}
		if strings.Contains(s.Image, "auto-setup") {
			t.Error("the auto-setup image is retired")
		}
	})
	services := project(t, "docker-compose.yml").Services
	_, server, _ := strings.Cut(services["temporal"].Image, ":")
	for _, name := range []string{"temporal-schema", "temporal-namespace"} {
		if _, tools, _ := strings.Cut(services[name].Image, ":"); tools != server {
			t.Errorf("%s has the tools of %s, for a server %s", name, tools, server)
		}
	}
}

func TestNoSecretIsInTheFiles(t *testing.T) {
	environment := maps.Clone(needed)
	environment["POSTGRES_PASSWORD"] = "from-env-file"
	for _, file := range []string{"docker-compose.yml", "deploy/compose/trial.yml"} {
		p, err := load(file, environment)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Services {
			for name, value := range s.Environment {
				secret := regexp.MustCompile(`PASSWORD|PWD|SECRET|TOKEN|API_KEY`).MatchString(name)
				if secret && (value == nil || *value != "from-env-file") {
					t.Errorf("%s of %s is in the file", name, s.Name)
				}
			}
		}
	}
}

func TestContainersChangeNothingOnTheMachine(t *testing.T) {
	each(t, func(t *testing.T, s types.ServiceConfig) {
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind && !v.ReadOnly {
				t.Errorf("%s is mounted writable", v.Source)
			}
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("port %s is open to other machines", port.Published)
			}
		}
		if s.Privileged || len(s.CapAdd) > 0 || s.NetworkMode == "host" {
			t.Error("it may more than a container should")
		}
	})
}

func TestFilesThatAreMountedExist(t *testing.T) {
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, s types.ServiceConfig) {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind || !strings.HasPrefix(v.Source, here) {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestServicesStartAfterWhatTheyNeed(t *testing.T) {
	services := project(t, "docker-compose.yml").Services
	for _, s := range services {
		for on, dependency := range s.DependsOn {
			want := types.ServiceConditionHealthy
			if once(services[on]) {
				want = types.ServiceConditionCompletedSuccessfully
			}
			if dependency.Condition != want || !dependency.Required {
				t.Errorf("%s waits for %s by %s", s.Name, on, dependency.Condition)
			}
		}
	}
	for name, needs := range map[string][]string{
		"postgresql": nil, "temporal-schema": {"postgresql"}, "temporal": {"temporal-schema"}, "temporal-namespace": {"temporal"},
		"temporal-ui": {"temporal"}, "worker": {"temporal", "temporal-namespace"}, "api": {"temporal", "temporal-namespace"},
		"codec-server": {"temporal-ui"},
	} {
		if on := slices.Sorted(maps.Keys(services[name].DependsOn)); !slices.Equal(on, needs) {
			t.Errorf("%s waits for %v, not for %v", name, on, needs)
		}
	}
}

func TestTheWorkerHasTimeToStop(t *testing.T) {
	worker := project(t, "docker-compose.yml").Services["worker"]
	stop, err := time.ParseDuration(*worker.Environment["LOCKSTEP_STOP_TIMEOUT"])
	if err != nil {
		t.Fatal(err)
	}
	if grace := time.Duration(*worker.StopGracePeriod); grace < stop+10*time.Second {
		t.Errorf("it is killed %s after it was told to stop, and may need %s and a little", grace, stop)
	}
}

func TestTheWorkerWritesOnlyToItsCache(t *testing.T) {
	worker := project(t, "docker-compose.yml").Services["worker"]
	if !worker.ReadOnly || !slices.Equal(worker.CapDrop, []string{"ALL"}) {
		t.Error("its root can be written to, or it has capabilities")
	}
	var writable []string
	for _, v := range worker.Volumes {
		if !v.ReadOnly {
			writable = append(writable, v.Type+" "+v.Target)
		}
	}
	if !slices.Equal(writable, []string{"volume /var/cache/lockstep"}) {
		t.Errorf("it can write to %v", writable)
	}
}

func TestWhatIsEncryptedIsReadWithTheSameKeysEverywhere(t *testing.T) {
	services := project(t, "docker-compose.yml").Services
	for _, name := range []string{"worker", "api", "codec-server"} {
		s := services[name]
		folder := s.Environment["LOCKSTEP_ENCRYPTION_KEYS"]
		mounted := func(v types.ServiceVolumeConfig) bool {
			return folder != nil && v.Target == *folder && v.Source == needed["ENCRYPTION_KEYS_DIR"]
		}
		if !slices.ContainsFunc(s.Volumes, mounted) {
			t.Errorf("%s has no keys: %v", name, s.Volumes)
		}
	}
	ui, codec := services["temporal-ui"], services["codec-server"]
	at := "http://localhost:" + codec.Ports[0].Published
	if asked := *ui.Environment["TEMPORAL_CODEC_ENDPOINT"]; at != asked {
		t.Errorf("the UI asks %s, and the codec server is at %s", asked, at)
	}
	if page := *codec.Environment["LOCKSTEP_UI_URL"]; page != at {
		t.Errorf("the UI is at %s, and the codec server takes it to be at %s", at, page)
	}
}

func TestTemporalAndItsUIAreReachedByALoginAlone(t *testing.T) {
	services := project(t, "docker-compose.yml").Services
	for _, name := range []string{"temporal", "temporal-ui", "postgresql", "worker"} {
		if ports := services[name].Ports; len(ports) > 0 {
			t.Errorf("%s has no login, and is open at %v", name, ports)
		}
	}
	if behind := *services["codec-server"].Environment["LOCKSTEP_CODEC_SERVER_UI"]; behind != "http://temporal-ui:8080" {
		t.Errorf("the codec server's login is before %s", behind)
	}
}

func TestOperationsCannotBeTerminatedFromTheUI(t *testing.T) {
	ui := project(t, "docker-compose.yml").Services["temporal-ui"]
	if value := ui.Environment["TEMPORAL_WORKFLOW_TERMINATE_DISABLED"]; value == nil || *value != "true" {
		t.Error("terminating leaves behind what cancelling undoes")
	}
}

func TestTheDatabaseIsReachedByTemporalAlone(t *testing.T) {
	p := project(t, "docker-compose.yml")
	if !p.Networks["database"].Internal {
		t.Error("the database's network leads out")
	}
	var members []string
	for _, s := range p.Services {
		if _, member := s.Networks["database"]; member {
			members = append(members, s.Name)
		}
	}
	slices.Sort(members)
	if !slices.Equal(members, []string{"postgresql", "temporal", "temporal-schema"}) {
		t.Errorf("on its network are %v", members)
	}
}

func project(t *testing.T, file string) *types.Project {
	t.Helper()
	p, err := load(file, needed)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return p
}

// load is what `docker compose config` does, with nothing from the environment of the test.
func load(file string, environment map[string]string) (*types.Project, error) {
	var env []string
	for name, value := range environment {
		env = append(env, name+"="+value)
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, file)}, cli.WithEnv(env))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}
