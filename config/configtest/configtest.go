// Package configtest has the environment that says the least, and checks what is refused. It is for tests.
package configtest

import (
	"errors"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/environments"
)

// Minimal is all that an environment must say.
const Minimal = `apiVersion: lockstep/v1
name: trial
hostnames:
  management: am.example.com
  gateway: gw.example.com
  websocket: ws.example.com
  websub: websub.example.com
  keyManager: km.example.com
image:
  target: registry.example.com/wso2is-km:7.2.0
`

// Parse reads an environment without problems.
func Parse(t *testing.T, text string) config.Environment {
	t.Helper()
	env, err := environments.Parse([]byte(text), nil)
	if err != nil {
		t.Fatalf("parsing: %v", err)
	}
	return env
}

// Refusal is one broken environment: [Minimal] with text replaced or appended, and the problem it must bring.
type Refusal struct {
	Holds    string // the rule, as a sentence
	Old, New string // replaced in Minimal
	More     string // appended to Minimal
	Path     string // where the problem is
	Value    string // what it quotes
	Says     string // a part of its text
}

// Text is the broken environment.
func (r Refusal) Text() string { return strings.Replace(Minimal, r.Old, r.New, 1) + r.More }

// Check parses each environment and looks for its problem.
func Check(t *testing.T, table []Refusal) {
	t.Helper()
	for _, r := range table {
		t.Run(r.Holds, func(t *testing.T) {
			if !strings.Contains(Minimal, r.Old) {
				t.Fatalf("%q is not in the minimal environment", r.Old)
			}
			_, err := environments.Parse([]byte(r.Text()), nil)
			WantProblem(t, err, r.Path, r.Value, r.Says)
		})
	}
}

// WantProblem looks for one problem at path, with value, whose text holds part.
func WantProblem(t *testing.T, err error, path, value, part string) {
	t.Helper()
	var found config.Problems
	errors.As(err, &found)
	for _, problem := range found {
		if problem.Path == path && problem.Value == value && strings.Contains(problem.String(), part) {
			if problem.Next == "" {
				t.Errorf("no next move: %s", problem)
			}
			return
		}
	}
	t.Errorf("no problem %s %q with %q in: %v", path, value, part, err)
}

// Values are chart values of Identity Server, in YAML's flow style.
func Values(flow string) string { return "identityServer: {values: {" + flow + "}}\n" }

// APIMValues are chart values of API Manager.
func APIMValues(flow string) string { return "apiManager: {values: {" + flow + "}}\n" }

// Configurations are those that API Manager's chart puts into deployment.toml.
func Configurations(flow string) string {
	return APIMValues("wso2: {apim: {configurations: {" + flow + "}}}")
}

// Quickstart is the environment of examples/quickstart.yaml with its defaults, the gateway's version apart.
func Quickstart() config.Environment {
	env := config.Environment{
		APIVersion: "lockstep/v1", Name: "quickstart", Namespace: "apim",
		Hostnames: config.Hostnames{Management: "am.lockstep.test", Gateway: "gw.lockstep.test", WebSocket: "websocket.lockstep.test",
			WebSub: "websub.lockstep.test", KeyManager: "km.lockstep.test"},
		Image: config.Image{Target: "registry.lockstep.test/wso2is-km:7.2.0"},
	}
	env.Default()
	return env
}
