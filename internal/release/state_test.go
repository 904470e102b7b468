package release

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAStateReadsAsItWasWritten(t *testing.T) {
	state := State{Exists: true, Revision: 3, Deployed: 2, Missing: Names{"ConfigMap apps/a", "Secret apps/b"}, Workloads: Names{"web"}, Installed: "2026-01-02T03:04:05Z"}
	data, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	var again State
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(state, again); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAStateOfAnOldHistoryIsRead(t *testing.T) {
	var state State
	err := json.Unmarshal([]byte(`{"Exists":true,"Revision":3,"Status":"failed","Deployed":2,"Missing":"ConfigMap apps/a, Secret apps/b","Workloads":"am-1,am-2","Behind":"","Installed":"x"}`), &state)
	want := State{Exists: true, Revision: 3, Status: "failed", Deployed: 2, Missing: Names{"ConfigMap apps/a", "Secret apps/b"}, Workloads: Names{"am-1", "am-2"}, Installed: "x"}
	if diff := cmp.Diff(want, state); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if state.IsZero() || !(State{}).IsZero() {
		t.Error("there is a record")
	}
	if err := json.Unmarshal([]byte(`{"Missing":1}`), &state); err == nil {
		t.Error("a number is no list of names")
	}
}
