package schema_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"lockstep/config/configtest"
	"lockstep/config/schema"
)

var update = flag.Bool("update", false, "write the schemas")

func TestTheSchemasBesideTheExamplesAreCurrent(t *testing.T) {
	for name, make := range map[string]func() ([]byte, error){"environment": schema.Environment, "cluster": schema.Cluster} {
		file := "../../examples/" + name + ".schema.json"
		want, err := make()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run go generate ./config/schema", file, err)
		}
	}
}

func TestTheSchemasTakeTheExamples(t *testing.T) {
	take(t, compileSchema(t, schema.Environment), "../../examples/*.yaml")
	take(t, compileSchema(t, schema.Cluster), "../../examples/clusters/*.yaml")
}

func take(t *testing.T, schema *jsonschema.Schema, examples string) {
	files, _ := filepath.Glob(examples)
	if len(files) == 0 {
		t.Fatalf("no examples are %s", examples)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance(t, string(text))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTheSchemaRefusesWhatLoadRefuses(t *testing.T) {
	schema := compileSchema(t, schema.Environment)
	for name, text := range map[string]string{
		"an unknown key":     strings.Replace(configtest.Minimal, "name: trial", "name: trial\nnamspace: apim", 1),
		"a missing target":   strings.Replace(configtest.Minimal, "target:", "base:", 1),
		"an unknown level":   configtest.Minimal + "verify: {level: most}\n",
		"an unknown step":    configtest.Minimal + "approvals: [products]\n",
		"a step twice":       configtest.Minimal + "approvals: [image, image]\n",
		"a bare number":      configtest.Minimal + "timeouts: {gateway: 5}\n",
		"an upper-case host": strings.Replace(configtest.Minimal, "am.example.com", "AM.example.com", 1),
	} {
		if err := schema.Validate(instance(t, text)); err == nil {
			t.Errorf("the schema takes %s", name)
		}
	}
	if err := schema.Validate(instance(t, configtest.Minimal+"apiManager: {values: {Any: {Key: [1]}}}\n")); err != nil {
		t.Errorf("the schema refuses free chart values: %v", err)
	}
}

func TestTheSchemaOfClustersRefusesWhatLoadRefuses(t *testing.T) {
	schema := compileSchema(t, schema.Cluster)
	const minimal = "apiVersion: lockstep/v1\nkind: Cluster\nname: prod\n"
	if err := schema.Validate(instance(t, minimal+"mirrors: {docker.io: https://mirror.example.com}\ngateway: {values: {Any: [1]}, serviceAnnotations: {a: b}}\n")); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"an unknown key":          minimal + "kubeConfig: a\n",
		"an environment":          configtest.Minimal,
		"a name in upper case":    strings.Replace(minimal, "prod", "Prod", 1),
		"another service type":    minimal + "gateway: {serviceType: nodeport}\n",
		"what is the Gateway's":   minimal + "gateway: {gateway: a}\n",
		"a number for a mirror":   minimal + "mirrors: {docker.io: 1}\n",
		"one namespace as a text": minimal + "allow: {namespaces: apim}\n",
	} {
		if err := schema.Validate(instance(t, text)); err == nil {
			t.Errorf("the schema takes %s", name)
		}
	}
}

func compileSchema(t *testing.T, of func() ([]byte, error)) *jsonschema.Schema {
	t.Helper()
	text, err := of()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("environment.json", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("environment.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func instance(t *testing.T, text string) any {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
