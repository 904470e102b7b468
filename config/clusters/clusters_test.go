package clusters_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/config/configtest"
	"lockstep/config/mirror"
)

const minimal = "apiVersion: lockstep/v1\nkind: Cluster\nname: prod\n"

// folder has those files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, files map[string]string) clusters.Set {
	t.Helper()
	set, err := clusters.Load(clusters.Options{Folder: folder(t, files), TaskQueue: "lockstep", Kubeconfig: "/own/kubeconfig", Mirrors: mirror.Map{"docker.io": "https://mirror.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestEveryExampleIsACluster(t *testing.T) {
	set, err := clusters.Load(clusters.Options{Folder: "../../examples/clusters"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"default", "prod-eu"}, set.Names()); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutAFolderThereIsTheWorkersOwnCluster(t *testing.T) {
	set, err := clusters.Load(clusters.Options{TaskQueue: "mine", Kubeconfig: "/own/kubeconfig"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := set.Find("")
	if err != nil || c.Name != "default" || c.Kubeconfig != "/own/kubeconfig" || c.TaskQueue != "mine" || c.Gateway.Release != "envoy-gateway" {
		t.Errorf("got %+v, %v", c, err)
	}
	if got := set.Queue("prod-eu"); got != "lockstep-prod-eu" {
		t.Errorf("a cluster without a file is on %s", got)
	}
}

func TestAFileCompletesItself(t *testing.T) {
	set := load(t, map[string]string{
		"prod.yaml":    minimal + "kubeconfig: prod.kubeconfig\nplainHTTP: [Plain.example.com:5000]\nmirrors: {ghcr.io: https://other.example.com}\n",
		"default.yaml": strings.Replace(minimal, "prod", "default", 1) + "gateway: {chart: {version: v1.6.1}}\n",
		"queue.yml":    strings.Replace(minimal, "prod", "queue", 1) + "context: queue\ntaskQueue: own\n",
		"README.md":    "not a cluster",
	})
	prod, _ := set.Find("prod")
	if prod.Kubeconfig != filepath.Join(filepath.Dir(prod.File()), "prod.kubeconfig") || prod.TaskQueue != "lockstep-prod" {
		t.Errorf("prod: %+v", prod)
	}
	want := mirror.Map{"docker.io": "https://mirror.example.com", "ghcr.io": "https://other.example.com"}
	if diff := cmp.Diff(want, prod.Mirrors); diff != "" {
		t.Errorf("mirrors (-want +got):\n%s", diff)
	}
	own, _ := set.Find("default")
	if own.Kubeconfig != "/own/kubeconfig" || own.TaskQueue != "lockstep" || own.Gateway.Chart != (config.Chart{OCI: config.DefaultGatewayChart, Version: "v1.6.1"}) {
		t.Errorf("default: %+v", own)
	}
	queues, err := clusters.Queues(set, nil)
	if diff := cmp.Diff([]string{"lockstep", "lockstep-prod", "own"}, queues); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := clusters.Queues(set, []string{"prd"}); err == nil || !strings.Contains(err.Error(), "did you mean prod?") {
		t.Errorf("serves: %v", err)
	}
}

func TestTheDefaultGatewayChartIsPinnedByItsDigestAlone(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	set := load(t, map[string]string{"prod.yaml": minimal + "gateway: {chart: {version: v1.6.1, digest: \"" + digest + "\"}}\n"})
	prod, _ := set.Find("prod")
	if want := (config.Chart{OCI: config.DefaultGatewayChart, Version: "v1.6.1", Digest: digest}); prod.Gateway.Chart != want {
		t.Errorf("got %+v", prod.Gateway.Chart)
	}
}

func TestWhatIsWrongWithAFileIsSaid(t *testing.T) {
	for _, c := range []struct{ holds, text, path, value, says string }{
		{"an unknown key", minimal + "kubeConfig: a\n", "kubeConfig", "", "did you mean kubeconfig?"},
		{"the environment's key", minimal + "routing: {}\n", "routing", "", "is not a field of a cluster"},
		{"another kind", strings.Replace(minimal, "Cluster", "cluster", 1), "kind", "cluster", "write Cluster"},
		{"no name", strings.Replace(minimal, "name: prod", "", 1), "name", "", "is missing"},
		{"a name in upper case", strings.Replace(minimal, "prod", "Prod", 1), "name", "Prod", "is not a DNS label"},
		{"several documents", minimal + "---\n" + minimal, "YAML", "", "second document"},
		{"an alias of itself", minimal + "allow: &a {<<: *a}\n", "YAML", "", "nested"},
		{"a mirror that is no URL", minimal + "mirrors: {docker.io: mirror}\n", "mirrors", "", "is not a base URL"},
		{"a host with a scheme", minimal + "plainHTTP: [http://a]\n", "plainHTTP[0]", "http://a", "without scheme"},
		{"a folder that is not there", minimal + "charts: nowhere\n", "charts", "", ""},
		{"a broken pattern", minimal + "allow: {namespaces: ['[']}\n", "allow.namespaces[0]", "[", "is not a pattern"},
		{"a source without a scheme", minimal + "allow: {chartSources: [helm.wso2.com]}\n", "allow.chartSources[0]", "helm.wso2.com", "oci://registry/path"},
		{"a registry with a scheme", minimal + "allow: {imageRegistries: ['https://docker.io']}\n", "allow.imageRegistries[0]", "https://docker.io", "docker.io/wso2"},
		{"a long release", minimal + "gateway: {release: " + strings.Repeat("a", 54) + "}\n", "gateway.release", strings.Repeat("a", 54), "shorten it to 53"},
		{"a controller without a path", minimal + "gateway: {controllerName: envoy}\n", "gateway.controllerName", "envoy", "domain/path"},
		{"a service type in another case", minimal + "gateway: {serviceType: nodeport}\n", "gateway.serviceType", "nodeport", "did you mean NodePort?"},
		{"another CRD policy", minimal + "gateway: {crds: replace}\n", "gateway.crds", "replace", "create-replace"},
		{"a namespace of Kubernetes", minimal + "gateway: {namespace: kube-system}\n", "gateway.namespace", "kube-system", "of Kubernetes itself"},
		{"a range of versions", minimal + "gateway: {chart: {version: ^1.7}}\n", "gateway.chart.version", "^1.7", "is a range"},
		{"yes is not true", minimal + "gateway: {install: yes}\n", "gateway.install", "yes", "write true or false"},
		{"a number for an annotation", minimal + "gateway: {serviceAnnotations: {a: 1}}\n", "gateway.serviceAnnotations.a", "1", "must be text"},
		{"what Lockstep sets", minimal + "gateway: {values: {config: {envoyGateway: {gateway: {controllerName: other/name}}}}}\n", "gateway.values.config.envoyGateway.gateway.controllerName", "other/name", "set gateway.controllerName"},
		{"what the chart ignores", minimal + "gateway: {values: {envoyGateway: {gateway: {experimentalFeatures: {enabled: true}}}}}\n", "gateway.values.envoyGateway", "", "config.envoyGateway.extensionApis.enableBackend"},
		{"a secret", minimal + "gateway: {values: {password: geheim}}\n", "gateway.values.password", "", "holds a secret"},
		{"a values file from elsewhere", minimal + "gateway: {valuesFile: ../values.yaml}\n", "gateway.valuesFile", "../values.yaml", "leads out of the folder"},
	} {
		t.Run(c.holds, func(t *testing.T) {
			_, err := clusters.Load(clusters.Options{Folder: folder(t, map[string]string{"prod.yaml": c.text})})
			if err == nil || !strings.Contains(err.Error(), "prod.yaml") {
				t.Fatalf("it does not name the file: %v", err)
			}
			if c.path != "charts" {
				configtest.WantProblem(t, err, c.path, c.value, c.says)
			}
		})
	}
}

func TestOneClusterHasOneNameAndOneFile(t *testing.T) {
	dir := folder(t, map[string]string{"a.yaml": minimal, "b.yaml": minimal + "kubeconfig: other\n"})
	_, err := clusters.Load(clusters.Options{Folder: dir})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "a.yaml")) || !strings.Contains(err.Error(), filepath.Join(dir, "b.yaml")) {
		t.Errorf("one name twice: %v", err)
	}
	dir = folder(t, map[string]string{"a.yaml": minimal, "b.yaml": strings.Replace(minimal, "prod", "other", 1)})
	_, err = clusters.Load(clusters.Options{Folder: dir})
	configtest.WantProblem(t, err, "kubeconfig", "", "a cluster has one name only")
	_, err = clusters.Load(clusters.Options{Folder: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "LOCKSTEP_CLUSTERS") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestAnUnknownClusterIsRefused(t *testing.T) {
	set := load(t, map[string]string{"prod.yaml": minimal})
	for name, says := range map[config.ClusterName]string{"prodd": "did you mean prod?", "elsewhere": "write one of prod", "": "write one of prod", `{"kubeconfig":"/evil"}`: "names only its cluster"} {
		if name == "" {
			name = config.DefaultCluster // with files there are those clusters that have one, and no others
		}
		_, err := set.Find(name)
		configtest.WantProblem(t, err, "cluster", string(name), says)
	}
}

func TestAClusterIsServedOnItsQueueAlone(t *testing.T) {
	options := clusters.Options{Folder: folder(t, map[string]string{"prod.yaml": minimal, "other.yaml": strings.Replace(minimal, "prod", "other", 1) + "context: other\ntaskQueue: lockstep-prod\n"})}
	if _, err := (clusters.Served{Options: options, Queue: "lockstep-prod"}).Find("prod"); err != nil {
		t.Error(err)
	}
	_, err := clusters.Served{Options: options, Queue: "lockstep"}.Find("prod")
	configtest.WantProblem(t, err, "cluster", "prod", `is served on task queue "lockstep-prod"`)
	_, err = clusters.Served{Options: options, Queue: "lockstep-prod", Names: []string{"prod"}}.Find("other")
	configtest.WantProblem(t, err, "cluster", "other", "serves does not list it")
	options.Folder = filepath.Join(options.Folder, "gone")
	_, err = clusters.Served{Options: options, Queue: "lockstep-prod"}.Find("prod")
	var wrong config.Problems
	if err == nil || errors.As(err, &wrong) {
		t.Errorf("a folder that cannot be read is not the environment's fault: %v", err)
	}
}

func TestAFileThatIsWrongHoldsUpItsOwnClusterAlone(t *testing.T) {
	as := func(name string) string {
		return strings.Replace(minimal, "prod", name, 1) + "kubeconfig: " + name + "\n"
	}
	dir := folder(t, map[string]string{"a.yaml": as("good"), "b.yaml": as("wrong") + "speed: high\n", "c.yaml": as("twice"), "d.yaml": as("twice") + "context: other\n", "e.yaml": as("twice") + "context: third\n"})
	for name, served := range map[string]bool{"good": true, "wrong": false, "twice": false} {
		c, err := clusters.Served{Options: clusters.Options{Folder: dir}, Queue: "lockstep-" + name}.Find(config.ClusterName(name))
		var problems config.Problems
		if served != (err == nil) || served && string(c.Name) != name {
			t.Errorf("%s: %+v, %v", name, c.Name, err)
		}
		if !served && errors.As(err, &problems) {
			t.Errorf("%s: the environment is blamed for the files: %v", name, err)
		}
	}
}

func TestAHostThatOnlyBeginsLikeDockerHubIsAnother(t *testing.T) {
	allow := clusters.Allow{ImageRegistries: []string{"docker.io/wso2", "example.com"}}
	for image, allowed := range map[string]bool{"wso2/wso2is:7.2.0": true, "index.docker.io/wso2/wso2is:7.2.0": true, "example.com/a:1": true, "index.example.com/a:1": false} {
		if allow.Image(image) != allowed {
			t.Errorf("%s: %t", image, !allowed)
		}
	}
}

func TestKeysOfCAsLieWhereTheClusterSaysAlone(t *testing.T) {
	for limits, allowed := range map[string]bool{"": true, "allow: {}\n": true, "allow: {namespaces: [a, cas]}\n": false, "allow: {artifactHosts: [\"*\"]}\n": false,
		"allow: {caNamespaces: []}\n": false, "allow: {caNamespaces: [cas]}\n": true, "allow: {namespaces: [a], caNamespaces: [c*]}\n": true} {
		prod, _ := load(t, map[string]string{"prod.yaml": minimal + limits}).Find("prod")
		found := prod.Check(configtest.Parse(t, configtest.Minimal+"namespace: a\ncertificates: {caNamespace: cas}\n"))
		if (len(found) == 0) != allowed {
			t.Errorf("with %q: %v", limits, found)
		}
		if found := prod.Check(configtest.Parse(t, configtest.Minimal+"namespace: a\ncertificates: {caNamespace: a}\n")); len(found) > 0 {
			t.Errorf("with %q its own: %v", limits, found)
		}
	}
}

func TestAnEnvironmentStaysWithinItsCluster(t *testing.T) {
	set := load(t, map[string]string{"prod.yaml": minimal + `allow:
  namespaces: [team-a-*]
  caNamespaces: [team-a-keys, cas-*]
  chartSources: [https://helm.wso2.com, "oci://registry.example.com/charts"]
  imageRegistries: [docker.io/wso2, registry.example.com]
  artifactHosts: [maven.wso2.org, "*.example.org"]
`})
	prod, _ := set.Find("prod")
	fits := configtest.Parse(t, configtest.Minimal+"namespace: team-a-dev\n")
	if found := prod.Check(fits); len(found) > 0 {
		t.Errorf("refuses what it allows: %v", found)
	}
	for _, c := range []struct{ more, path, value, says string }{
		{"namespace: apim\n", "namespace", "apim", "team-a-*"},
		{"namespace: team-a-x\ncertificates: {caNamespace: cas}\n", "certificates.caNamespace", "cas", "it allows team-a-keys, cas-*"},
		{"namespace: team-a-x\ncertificates: {caNamespace: team-a-y}\n", "certificates.caNamespace", "team-a-y", "allow.caNamespaces in "},
		{"namespace: team-a-keys\n", "namespace", "team-a-keys", "is for keys of CAs"},
		{"namespace: team-a-x\nidentityServer: {chart: {repository: https://helm.wso2.com.evil.example, name: a, version: 1.0.0}}\n", "identityServer.chart", "https://helm.wso2.com.evil.example", "allow.chartSources in "},
		{"namespace: team-a-x\napiManager: {chart: {oci: oci://registry.example.com/charts-of-others/a, version: 1.0.0}}\n", "apiManager.chart", "oci://registry.example.com/charts-of-others/a", "does not allow charts from there"},
		{"namespace: team-a-x\napiManager: {chart: {oci: oci://registry.example.com/charts/../a, version: 1.0.0}}\n", "apiManager.chart", "oci://registry.example.com/charts/../a", "does not allow charts from there"},
		{"namespace: team-a-x\napiManager: {chart: {repository: http://helm.wso2.com, name: a, version: 1.0.0}}\n", "apiManager.chart", "http://helm.wso2.com", "does not allow charts from there"},
		{"namespace: team-a-x\napiManager: {chart: {path: a}}\n", "apiManager.chart.path", "a", "folder of charts"},
		{"namespace: team-a-x\napiManager: {image: docker.io/wso2evil/wso2am:4.7.0}\n", "apiManager.image", "docker.io/wso2evil/wso2am:4.7.0", "docker.io/wso2"},
		{"namespace: team-a-x\napiManager: {image: 'evil.example.com/wso2am:4.7.0'}\n", "apiManager.image", "evil.example.com/wso2am:4.7.0", "allow.imageRegistries"},
	} {
		env := configtest.Parse(t, configtest.Minimal+c.more)
		configtest.WantProblem(t, prod.Check(env).Err(), c.path, c.value, c.says)
	}
	env := configtest.Parse(t, strings.Replace(configtest.Minimal, "  target:", "  plainHTTP: [registry.example.com]\n  artifacts: [{url: 'https://maven.wso2.org.evil.example/a.jar'}, {url: 'https://a.example.org/a.jar', destination: b/}]\n  target:", 1)+"namespace: team-a-x\n")
	found := prod.Check(env)
	if len(found) != 2 {
		t.Errorf("found %v", found)
	}
	configtest.WantProblem(t, found.Err(), "image.artifacts[0].url", "https://maven.wso2.org.evil.example/a.jar", "allow.artifactHosts")
	configtest.WantProblem(t, found.Err(), "image.plainHTTP[0]", "registry.example.com", "plainHTTP in")
}

func TestAnEmptyListAllowsNothing(t *testing.T) {
	set := load(t, map[string]string{"prod.yaml": minimal + "allow: {artifactHosts: []}\n"})
	prod, _ := set.Find("prod")
	configtest.WantProblem(t, prod.Check(configtest.Parse(t, configtest.Minimal)).Err(), "image.artifacts[0].url", config.DefaultHandlerURL, "allows none")
}
