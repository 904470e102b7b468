package architecture

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// layers are the product, from the bottom to the top. A package imports its own layer and those below.
var layers = [][]string{{"config"}, {"internal"}, {"activities"}, {"workflows"}, {"starter", "worker", "deploy"}}

// outside is what workflow code must not touch, by the beginning of the import path.
var outside = []string{"net", "os", "crypto/rand", "math/rand", "k8s.io", "sigs.k8s.io", "helm.sh"}

// wrong says what is wrong with an import, and what to do; empty: nothing is. Files are named by their path below the module's root.
func wrong(file, imported string) string {
	from := file[:max(strings.LastIndexByte(file, '/'), 0)]
	if own, ok := strings.CutPrefix(imported, module); ok {
		return wrongOwn(file, from, own)
	}
	switch {
	case imported == "github.com/spf13/viper" && from != "config/settings":
		return "only config/settings knows viper: take a settings struct as a parameter"
	case !isTest(file) && within(from, "workflows") && slices.ContainsFunc(outside, func(o string) bool { return within(imported, o) }):
		return "workflow code is replayed and touches nothing outside: do it in an activity"
	}
	return ""
}

func wrongOwn(file, from, to string) string {
	above, below := layer(from), layer(to)
	switch {
	case isHelper(to) && !isTest(file):
		return "it is for tests: move what both need to a package that is not called …test"
	case within(from, "sandbox") && within(to, "test"):
		return "the sandbox is what tests run in and knows none of them: move what both need into sandbox"
	case within(from, "sandbox") && below >= 0:
		return "the sandbox knows nothing of the product, so that it can prove it wrong: say it once more in sandbox, or move the test to test/"
	case isTest(file), within(from, "sandbox") && within(to, "sandbox"):
		return ""
	case within(to, "sandbox") || within(to, "test"):
		return "only tests import sandbox and test: move what the product needs to internal"
	case above < below:
		return fmt.Sprintf("%s is above %s (%s): pass what is needed as a parameter, or move it down", top(to), top(from), order())
	case above == len(layers)-1 && above == below && top(from) != top(to):
		return fmt.Sprintf("%s and %s are programs and do not know each other: move what both need to internal", top(from), top(to))
	}
	return ""
}

// isTest says whether a file is there for tests only.
func isTest(file string) bool {
	from := file[:max(strings.LastIndexByte(file, '/'), 0)]
	return strings.HasSuffix(file, "_test.go") || within(from, "test") || isHelper(from)
}

// isHelper says whether a package is there for the tests of others.
func isHelper(path string) bool { return strings.HasSuffix(path, "test") && path != "test" }

// layer is that of a path of the product; -1: it is no part of the product.
func layer(path string) int {
	return slices.IndexFunc(layers, func(tops []string) bool { return slices.Contains(tops, top(path)) })
}

func order() string {
	var all []string
	for _, tops := range slices.Backward(layers) {
		all = append(all, strings.Join(tops, ", "))
	}
	return strings.Join(all, " → ")
}

func top(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func TestWhatIsWrongWithAnImport(t *testing.T) {
	for _, c := range []struct {
		file, imported string
		want           string // part of what is said; empty: nothing is
	}{
		{"starter/main.go", "lockstep/workflows", ""},
		{"workflows/deploy.go", "lockstep/config", ""},
		{"internal/apim/client.go", "lockstep/internal/rest", ""},
		{"config/cron/cron.go", "lockstep/config", ""},
		{"config/cron/cron.go", "lockstep/internal/rest", "internal is above config"},
		{"internal/rest/rest.go", "lockstep/activities", "activities is above internal"},
		{"activities/lease.go", "lockstep/workflows", "workflows is above activities"},
		{"workflows/deploy.go", "lockstep/starter/operations", "starter is above workflows"},
		{"worker/main.go", "lockstep/starter/api", "programs"},
		{"internal/rest/rest.go", "lockstep/sandbox/fault", "only tests import"},
		{"internal/rest/rest.go", "lockstep/test/world", "only tests import"},
		{"internal/rest/rest_test.go", "lockstep/sandbox/fault", ""},
		{"internal/apim/client.go", "lockstep/internal/apim/apimtest", "it is for tests"},
		{"internal/apim/client_test.go", "lockstep/internal/apim/apimtest", ""},
		{"test/world/world.go", "lockstep/sandbox/sandboxtest", ""},
		{"test/world/world.go", "lockstep/workflows", ""},
		{"sandbox/node/node.go", "lockstep/sandbox/dns", ""},
		{"sandbox/node/node.go", "lockstep/config", "knows nothing of the product"},
		{"sandbox/node/node_test.go", "lockstep/config", "knows nothing of the product"},
		{"sandbox/node/node_test.go", "lockstep/test/world", "knows none of them"},
		{"config/settings/settings.go", "github.com/spf13/viper", ""},
		{"internal/rest/rest.go", "github.com/spf13/viper", "viper"},
		{"workflows/deploy.go", "k8s.io/api/core/v1", "activity"},
		{"workflows/deploy.go", "net/http", "activity"},
		{"workflows/deploy.go", "go.temporal.io/sdk/workflow", ""},
		{"workflows/deploy_test.go", "os", ""},
		{"workflows/workflowstest/server.go", "os", ""},
	} {
		if got := wrong(c.file, c.imported); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s imports %s: %q, want %q", c.file, c.imported, got, c.want)
		}
	}
}
