// Package contract checks in tests that requests and answers are what the published OpenAPI files of the products say.
// The files are reference data that lies beside the repository, in ../shared/wso2/openapi; where they are absent there is
// nothing to check against.
package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// ErrNoFiles says that the OpenAPI files are not on this machine.
var ErrNoFiles = errors.New("no OpenAPI files beside the repository (../shared/wso2/openapi)")

// A Spec is one OpenAPI file.
type Spec struct {
	document *openapi3.T
	paths    []path
}

type path struct {
	pattern *regexp.Regexp
	item    *openapi3.PathItem
	static  bool
}

// Load reads a file of the folder, OpenAPI 3 or Swagger 2.
func Load(file string) (*Spec, error) {
	folder, err := Folder()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return nil, err
	}
	document, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", file, err)
	}
	spec := &Spec{document: document}
	for template, item := range document.Paths.Map() {
		expression := regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
		spec.paths = append(spec.paths, path{
			pattern: regexp.MustCompile("^" + expression + "$"), item: item, static: !strings.Contains(template, "{"),
		})
	}
	return spec, nil
}

// Folder finds the files from the working directory up.
func Folder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		folder := filepath.Join(dir, "..", "shared", "wso2", "openapi")
		if _, err := os.Stat(folder); err == nil {
			return folder, nil
		}
	}
	return "", ErrNoFiles
}

// parse goes by way of JSON, past what is wrong with the files: an example that is no date, and keys given twice.
func parse(data []byte) (*openapi3.T, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		return nil, err
	}
	mend(&node)
	var tree map[string]any
	if err := node.Decode(&tree); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(stringKeys(tree))
	if err != nil {
		return nil, err
	}
	if tree["swagger"] == nil {
		return openapi3.NewLoader().LoadFromData(encoded)
	}
	var old openapi2.T
	if err := json.Unmarshal(encoded, &old); err != nil {
		return nil, err
	}
	return openapi2conv.ToV3(&old)
}

// mend takes whatever looks like a date as text, and the last of several equal keys.
func mend(node *yaml.Node) {
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!timestamp" {
		node.SetString(node.Value)
	}
	if node.Kind == yaml.MappingNode {
		last := map[string]int{}
		for i := 0; i < len(node.Content); i += 2 {
			last[node.Content[i].Value] = i
		}
		var content []*yaml.Node
		for i := 0; i < len(node.Content); i += 2 {
			if last[node.Content[i].Value] == i {
				content = append(content, node.Content[i], node.Content[i+1])
			}
		}
		node.Content = content
	}
	for _, child := range node.Content {
		mend(child)
	}
}

// stringKeys makes of the numbers that YAML allows as keys, status codes, what JSON allows.
func stringKeys(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, old := range value {
			value[key] = stringKeys(old)
		}
	case map[any]any:
		converted := map[string]any{}
		for key, old := range value {
			converted[fmt.Sprint(key)] = stringKeys(old)
		}
		return converted
	case []any:
		for i, old := range value {
			value[i] = stringKeys(old)
		}
	}
	return value
}

func (s *Spec) operation(method, requestPath string) *openapi3.Operation {
	var found *openapi3.Operation
	for _, candidate := range s.paths {
		if operation := candidate.item.Operations()[method]; operation != nil && candidate.pattern.MatchString(requestPath) {
			if found = operation; candidate.static {
				return found
			}
		}
	}
	return found
}

// Request checks the JSON body of a request to a path below the API's base.
func (s *Spec) Request(method, requestPath string, body []byte) error {
	operation := s.operation(method, requestPath)
	if operation == nil {
		return fmt.Errorf("%s %s is not in the specification", method, requestPath)
	}
	if operation.RequestBody == nil || len(body) == 0 {
		return nil
	}
	// What was read may be sent back: the products ignore read-only properties.
	return visit(operation.RequestBody.Value.Content, body, openapi3.VisitAsRequest(), openapi3.DisableReadOnlyValidation())
}

// Response checks an answer: its status must be documented, its body as the specification says.
func (s *Spec) Response(method, requestPath string, status int, body []byte) error {
	operation := s.operation(method, requestPath)
	if operation == nil {
		return fmt.Errorf("%s %s is not in the specification", method, requestPath)
	}
	response := operation.Responses.Status(status)
	if response == nil {
		return fmt.Errorf("%s %s: status %d is not in the specification", method, requestPath, status)
	}
	if len(body) == 0 {
		return nil
	}
	if err := visit(response.Value.Content, body, openapi3.VisitAsResponse()); err != nil {
		return fmt.Errorf("%s %s: body of %d: %w", method, requestPath, status, err)
	}
	return nil
}

// Error checks the body of an error that the operation does not document against the API's error schema.
func (s *Spec) Error(body []byte) error {
	for _, name := range []string{"Error", "error"} {
		if schema, ok := s.document.Components.Schemas[name]; ok {
			return check(schema.Value, body, openapi3.VisitAsResponse())
		}
	}
	return errors.New("the specification has no error schema")
}

func visit(content openapi3.Content, body []byte, as ...openapi3.SchemaValidationOption) error {
	media := content.Get("application/json")
	if media == nil || media.Schema == nil {
		return nil
	}
	return check(media.Schema.Value, body, as...)
}

func check(schema *openapi3.Schema, body []byte, as ...openapi3.SchemaValidationOption) error {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	return schema.VisitJSON(value, append(as, openapi3.MultiErrors())...)
}
