package api

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"lockstep/starter/api/problem"
)

// contract holds answers against the OpenAPI document.
type contract struct {
	compiler *jsonschema.Compiler
	paths    map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]any
		}
	}
}

const documentURL = "mem:///openapi.json"

func newContract(t *testing.T, document []byte) *contract {
	t.Helper()
	c := &contract{compiler: jsonschema.NewCompiler()}
	c.compiler.AssertFormat()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err == nil {
		err = c.compiler.AddResource(documentURL, parsed)
	}
	var fields struct{ Paths json.RawMessage }
	if err == nil {
		err = json.Unmarshal(document, &fields)
	}
	if err == nil {
		err = json.Unmarshal(fields.Paths, &c.paths)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// check holds an answer against what the document says of its route. What the document leaves out, as probes, is not looked at; refusals
// are problems everywhere.
func (c *contract) check(a answer, r *http.Request) {
	a.t.Helper()
	if a.Header.Get("X-Content-Type-Options") != "nosniff" {
		a.t.Errorf("%s: no security headers", a.what)
	}
	path := c.pathOf(r.URL.Path)
	content, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if a.StatusCode >= http.StatusBadRequest {
		c.checkProblem(a, r, content)
	}
	method := strings.ToLower(r.Method)
	if path == "" || len(c.paths[path][method].Responses) == 0 || r.Method == http.MethodHead {
		return
	}
	response, documented := c.paths[path][method].Responses[strconv.Itoa(a.StatusCode)]
	if !documented {
		a.t.Errorf("%s: %s is not documented", a.what, a.Status)
		return
	}
	if _, is := response.Content[content]; !is && (len(response.Content) > 0 || content != "") {
		a.t.Errorf("%s: %s of type %q is not documented", a.what, a.Status, content)
	}
	if strings.HasSuffix(content, "json") {
		escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
		c.validate(a, "/paths/"+escape.Replace(path)+"/"+method+"/responses/"+strconv.Itoa(a.StatusCode)+"/content/"+escape.Replace(content)+"/schema")
	}
}

func (c *contract) checkProblem(a answer, r *http.Request, content string) {
	a.t.Helper()
	if r.URL.Path == "/readyz" || r.Method == http.MethodHead {
		return
	}
	if content != problem.ContentType {
		a.t.Errorf("%s: %s of type %q is no problem: %s", a.what, a.Status, content, a.body)
		return
	}
	p := parsed[problem.Problem](a)
	if p.Status != a.StatusCode || p.Title == "" || !strings.Contains(p.Detail, " ") || !strings.HasPrefix(p.Type, "urn:lockstep:problem:") || p.Instance == "" {
		a.t.Errorf("%s: %s", a.what, a.body)
	}
	if path := c.pathOf(r.URL.Path); path == "" {
		c.validate(a, "/components/schemas/Problem")
	}
}

func (c *contract) validate(a answer, pointer string) {
	a.t.Helper()
	schema, err := c.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		a.t.Fatalf("schema %s: %v", pointer, err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(a.body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		a.t.Errorf("%s: %s is not as documented: %v\n%s", a.what, a.Status, err, a.body)
	}
}

var parameter = regexp.MustCompile(`\\\{[a-z]+\\\}`)

// pathOf is the documented path that a request is for.
func (c *contract) pathOf(path string) string {
	for template := range c.paths {
		if regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$").MatchString(path) {
			return template
		}
	}
	return ""
}

func TestTheDocumentIsWhole(t *testing.T) {
	s := away(t)
	a := s.get("/openapi.json", "").wants(http.StatusOK, `"openapi":"3.1.0"`)
	if strings.Contains(a.body, "ErrorModel") {
		t.Error("the document shows errors that nobody gets")
	}
	document, err := openapi3.NewLoader().LoadFromData([]byte(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.Summary == "" || operation.OperationID == "" || len(operation.Tags) != 1 {
				t.Errorf("%s %s has no name", method, path)
			}
		}
	}
	for name := range document.Components.Schemas {
		if _, err := s.compiler.Compile(documentURL + "#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
	}
	s.get("/openapi.yaml", "").wants(http.StatusNotFound, "/openapi.json lists all paths")
}

func TestTheReferenceLoadsNothingFromElsewhere(t *testing.T) {
	s := away(t)
	for path, kind := range map[string]string{"/docs": "text/html", "/docs/reference.js": "text/javascript", "/docs/reference.css": "text/css"} {
		a := s.get(path, "").wants(http.StatusOK)
		if !strings.HasPrefix(a.Header.Get("Content-Type"), kind) || strings.Contains(a.body, "://") {
			t.Errorf("%s: %s:\n%s", path, a.Header.Get("Content-Type"), a.body)
		}
		if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}
