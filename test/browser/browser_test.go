// Package browser drives the Temporal UI in Chromium, as operators do, while Lockstep works in a sandbox.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"lockstep/sandbox/fault"
	"lockstep/sandbox/process"
	"lockstep/test/world"
)

// Screenshots go here, below dist/.
const folder = "screenshots"

func TestOperatorsUseTheTemporalUI(t *testing.T) {
	b := &browser{chromium: chromium(t)}
	t.Setenv("LOCKSTEP_ENVIRONMENTS", environments(t))
	b.world, b.shots = world.InSandbox(t, "it has the Temporal UI, and an API Manager that fails on demand"), shots(t)
	// Each test leaves the environment in the state that the next one begins with.
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser)
	}{
		{"what is typed wrongly into the start form is refused with what to type", testInput},
		{"a deployment is started from the form, approved, and watched to its end", testDeploy},
		{"a paused deployment says why it waits, and goes on once its step is tried again", testPause},
		{"a failed deployment says why on its page", testFailure},
		{"what is encrypted is read, and started, by those who logged in at the codec server alone", testCodec},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, b) })
	}
}

func testInput(t *testing.T, b *browser) {
	b.world.Absent(t)
	before := b.world.Snapshot(t)
	b.play(t, "input")
	if diff := before.Differs(b.world.Snapshot(t)); diff != "" {
		t.Errorf("what was refused changed the cluster:\n%s", diff)
	}
	// The wrong field, the environment that is not there, and the child that did not find it. What the form refused is none.
	answer, err := b.world.Temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: `ExecutionStatus = "Failed"`})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Count != 3 {
		t.Errorf("%d workflows failed, want 3", answer.Count)
	}
}

func testDeploy(t *testing.T, b *browser) {
	b.play(t, "deploy")
	b.world.EverythingIsThere(t)
}

func testPause(t *testing.T, b *browser) {
	b.world.Deployed(t)
	b.world.Fault(t, fault.Fault{ID: "publisher", Server: fault.APIManager, Method: "POST", Path: "/change-lifecycle", Status: 400})
	b.play(t, "pause")
	b.world.Fault(t)
	b.play(t, "retry")
}

func testFailure(t *testing.T, b *browser) {
	b.world.Deployed(t)
	before := b.world.Workloads(t)
	b.play(t, "failure")
	if now := b.world.Workloads(t); len(now) != len(before) {
		t.Errorf("%d workloads are there, were %d", len(now), len(before))
	}
}

// browser plays scenarios.
type browser struct {
	chromium string // the program
	shots    string // the folder of screenshots
	world    *world.World
}

// play runs a scenario of scenarios/ to its end.
func (b *browser) play(t *testing.T, scenario string) {
	t.Helper()
	b.playWith(t, scenario, nil)
}

// playWith runs a scenario that wants to know more than where the UI is.
func (b *browser) playWith(t *testing.T, scenario string, more map[string]any) {
	t.Helper()
	all := map[string]any{
		"address": b.world.Sandbox().UI, "namespace": "default", "taskQueue": "lockstep",
		"shots": b.shots, "chromium": b.chromium, "patience": (3 * time.Minute).Milliseconds(),
	}
	maps.Copy(all, more)
	options, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	var said bytes.Buffer
	node := exec.CommandContext(ctx, "node", "main.mjs", scenario, string(options))
	node.Stdout, node.Stderr = &said, &said
	if err := process.RunChild(node); err != nil {
		t.Fatalf("scenario %s: %v:\n%s\nThe page is in %s", scenario, err, &said, filepath.Join(b.shots, scenario+"-failed.png"))
	}
}

// chromium finds the browser. Only `make browser` sets LOCKSTEP_REQUIRE_BROWSER=1, and without it the test is skipped.
func chromium(t *testing.T) string {
	t.Helper()
	if os.Getenv("LOCKSTEP_REQUIRE_BROWSER") != "1" {
		t.Skip("`make browser` runs the tests in a browser")
	}
	var missing []string
	if _, err := exec.LookPath("node"); err != nil {
		missing = append(missing, "node")
	}
	if _, err := os.Stat(filepath.Join("node_modules", "playwright-core")); err != nil {
		missing = append(missing, "playwright-core (npm ci in test/browser)")
	}
	program, err := exec.LookPath("chromium")
	if err != nil {
		missing = append(missing, "chromium (apt-get install chromium)")
	}
	if len(missing) > 0 {
		t.Fatalf("no browser tests without %s", strings.Join(missing, ", "))
	}
	return program
}

// environments is a folder with the environment of examples/quickstart.yaml.
func environments(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(world.File(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, world.Environment+".yaml"), string(text))
	return dir
}

// shots empties the folder of screenshots.
func shots(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "dist", folder))
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
