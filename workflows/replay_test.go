package workflows

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep/workflows/workflowstest"
)

// A change of workflow code must not break operations that are under way: these histories are of the code before it. A change
// that cannot be made compatible needs workflow.GetVersion, or, before the first release, new histories:
//
//	go test ./workflows -run TestRecordHistories[/name] -update
func TestOperationsUnderWayOutliveAChangeOfTheirCode(t *testing.T) {
	for _, r := range recordings() {
		t.Run(r.file, func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			for _, w := range all() {
				replayer.RegisterWorkflow(w)
			}
			history := read(t, filepath.Join("testdata", r.file+".json"))
			id := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId()
			err := replayer.ReplayWorkflowHistoryWithOptions(workflowstest.Silent{}, history,
				worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func read(t *testing.T, file string) *historypb.History {
	t.Helper()
	reader, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	history, err := client.HistoryFromJSON(reader, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return history
}

func TestHistoriesHoldNothingOfTheMachineThatRecordedThem(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{`"identity"`, host + ":", "@" + host, "/go/pkg/", "STICKY"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s holds %q", file, word)
			}
		}
	}
}
