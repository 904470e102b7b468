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

const schemaFile = "../../examples/environment.schema.json"

var update = flag.Bool("update", false, "write "+schemaFile)

func TestTheSchemaBesideTheExamplesIsCurrent(t *testing.T) {
	want, err := schema.Environment()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v): run go generate ./config/schema", schemaFile, err)
	}
}

func TestTheSchemaTakesTheExamples(t *testing.T) {
	schema := compileSchema(t)
	files, _ := filepath.Glob("../../examples/*.yaml")
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
	schema := compileSchema(t)
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

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := schema.Environment()
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
