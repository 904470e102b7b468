package chaos

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"os/exec"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"k8s.io/client-go/kubernetes"

	"lockstep/sandbox/fault"
	"lockstep/sandbox/registry"
	"lockstep/sandbox/world"
	"lockstep/workflows"
)

// site is a sandbox in which runs follow each other.
type site struct {
	*world.World
	kube       kubernetes.Interface
	now        State // of the environment; "" if a run left it as nobody knows
	references map[State]Portrait
	frozen     []*exec.Cmd // workers to be continued when the operation has ended
	leaving    []*exec.Cmd // workers that were told to end
}

// Start brings up a sandbox for runs.
func newSite(t testing.TB) *site {
	t.Helper()
	w := world.Start(t)
	w.Watch(t)
	return &site{World: w, kube: w.Client(t), now: Nothing, references: map[State]Portrait{}}
}

// Ending is how a run ended.
type Ending string

// Endings. Every other is a failure.
const (
	AsWithout Ending = "as without the fault"
	Undone    Ending = "undone"
	Wrong     Ending = "FAILED"
)

// Result is what became of a run.
type Result struct {
	Run      Run
	Injected []Injected
	Ending   Ending
	Why      string // of a failure
	Took     time.Duration
}

// Injected is what became of a fault.
type Injected struct {
	Fault
	Missed bool   // its moment did not come
	Seen   string // what it met
}

// run carries out a run. It fails the test unless the run ended well.
func (s *site) run(t *testing.T, result *Result) {
	t.Helper()
	began := time.Now()
	defer func() { result.Took = time.Since(began) }()
	o := result.Run.Operation
	s.prepare(t, o)
	before := s.earlier(t)
	s.now = ""
	said := s.carryOut(t, result)
	result.Ending, result.Why = s.judge(t, o, before, said)
	switch {
	case result.Ending == Wrong:
		result.Why = fmt.Sprintf("%s\n\nThe command line said:\n%s%s", result.Why, said.Out, said.Err)
		t.Error(result.Why)
	case said.Code == world.Done:
		s.now = o.To
	default:
		s.now = before.state
	}
}

// carryOut has the operation run and its faults happen, and returns when it has ended and all servers answer again.
func (s *site) carryOut(t *testing.T, result *Result) world.Said {
	r := result.Run
	s.arm(t, r.Faults...)
	last := s.Run(t)
	call := s.Begin(t, s.arguments(t, r.Operation)...)
	defer s.heal(t) // also if the test ends here
	world.Eventually(t, "the operation has begun", func() bool { return s.Run(t) != last })
	run := s.Run(t)
	result.Injected = s.disturb(t, run, r.Faults)
	s.ended(t, run)
	s.heal(t)
	result.Injected = append(result.Injected, s.hits(t, r)...)
	said := call.End(t)
	if said.Code == world.Done || said.Code == world.RolledBack || said.Code == world.Failed {
		return said
	}
	result.Injected = append(result.Injected, Injected{Fault: Fault{Kind: WatchAgain}, Seen: fmt.Sprintf("exit code %d", said.Code)})
	return s.Lockstep(t, "watch", world.Environment)
}

// lies says whether a fault lies in wait and needs nobody when it happens.
func (f Fault) lies() bool { return f.Kind == Refuse || f.Kind == TooLate || f.Kind == CutOff }

// arm replaces the faults of servers.
func (s *site) arm(t testing.TB, faults ...Fault) {
	t.Helper()
	var armed []fault.Fault
	for _, f := range faults {
		if f.Server.Server != "" {
			armed = append(armed, f.Server)
		}
	}
	if err := fault.Write(fault.File(s.Dir), armed...); err != nil {
		t.Fatal(err)
	}
}

// hits are the faults that lay in wait.
func (s *site) hits(t testing.TB, r Run) (lay []Injected) {
	t.Helper()
	hits, err := fault.Hits(fault.File(s.Dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Faults {
		if n := hits[f.ID]; f.lies() {
			lay = append(lay, Injected{Fault: f, Missed: n == 0, Seen: fmt.Sprintf("%d requests", n)})
		}
	}
	return lay
}

// prepare brings the environment into the state that an operation begins from, without faults, and learns on the way how the state
// looks that it leads to.
func (s *site) prepare(t testing.TB, o Operation) {
	t.Helper()
	s.arm(t)
	s.EmptyCache(t)
	if _, known := s.references[o.To]; !known {
		s.bring(t, o.To)
	}
	switch {
	case o.From != "":
		s.bring(t, o.From)
		if o.From == Nothing {
			s.forgetImages(t)
		}
	case s.now != Deployed && s.now != Changed:
		s.bring(t, Deployed)
	}
}

// bring has the environment as it is after undisturbed operations.
func (s *site) bring(t testing.TB, state State) {
	t.Helper()
	if s.now == state {
		if _, known := s.references[state]; known {
			return
		}
	}
	switch state {
	case Nothing:
		s.Absent(t)
	case Deployed:
		s.bring(t, Nothing)
		s.Expect(t, world.Done, "deploy", "-f", file(t, state))
	case Changed:
		s.bring(t, Deployed)
		s.Expect(t, world.Done, "deploy", "-f", file(t, state))
	}
	if _, known := s.references[state]; !known {
		s.references[state] = s.portrait(t)
	}
	s.now = state
}

// arguments are what is typed for an operation.
func (s *site) arguments(t testing.TB, o Operation) []string {
	t.Helper()
	switch {
	case o.Teardown:
		return []string{"teardown", "--purge", "-f", file(t, Deployed)}
	case o.Fails:
		return []string{"deploy", "-f", failing(t, o.From)}
	default:
		return []string{"deploy", "-f", file(t, o.To)}
	}
}

// changes are what a changed environment has: an image with one more file, and other values of both products.
func changes(t testing.TB) map[string]any {
	t.Helper()
	jar, err := registry.HandlerJAR()
	if err != nil {
		t.Fatal(err)
	}
	sidecar := fmt.Sprintf("%x", sha1.Sum(jar))
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(sidecar)))
	return map[string]any{
		"image.artifacts": []any{
			map[string]any{"url": handlerURL},
			map[string]any{"url": handlerURL + ".sha1", "sha256": digest, "destination": "repository/resources/"},
		},
		"apiManager.values.wso2.deployment.resources.requests.cpu": "1500m",
	}
}

const handlerURL = "https://maven.wso2.org" + registry.HandlerPath

// file is the environment file of a state.
func file(t testing.TB, state State) string {
	t.Helper()
	if state == Changed {
		return world.File(t, changes(t))
	}
	return world.File(t, nil)
}

// failing makes API Manager of a state refuse to start.
func failing(t testing.TB, state State) string {
	t.Helper()
	all := map[string]any{}
	if state == Changed {
		all = changes(t)
	}
	all["apiManager.values.wso2.apim.configurations.userStore.type"] = "$ref{nothing.here}"
	return world.File(t, all)
}

// ended waits until the run of the workflow has closed.
func (s *site) ended(t testing.TB, run string) {
	t.Helper()
	const limit = 12 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for s.goesOn(ctx, run) {
		select {
		case <-ctx.Done():
			t.Fatalf("the operation does not end within %v", limit)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// goesOn is true also while Temporal does not answer.
func (s *site) goesOn(ctx context.Context, run string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	d, err := s.Temporal.DescribeWorkflowExecution(ctx, workflows.CanonicalID(world.Environment), run)
	return err != nil || d.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}
