package chaos

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheTableHasARowPerFaultAndCountsThoseThatHappened(t *testing.T) {
	var out strings.Builder
	table := NewTable(&out)
	table.Add(Result{Run: Run{Seed: 1, Operation: Operation{Name: "change"}}, Ending: Undone, Injected: []Injected{
		{Fault: Fault{Kind: KillWorker, At: Moment{Step: "image", State: "running"}}, Seen: "amid BuildImage of image"},
		{Fault: Fault{Kind: FreezeWorker, At: Moment{Pending: "is"}}, Missed: true},
		{Fault: Fault{Kind: CancelOperator, At: Moment{Step: "verify", State: "running"}}},
	}})
	table.Add(Result{Run: Run{Seed: 2, Operation: Operation{Name: "teardown"}}, Ending: Wrong})
	if n := table.Happened(); n != 1 {
		t.Errorf("%d faults happened, want 1", n)
	}
	table.Sum()
	const want = `| seed | operation | fault | where | what it met | ended |
| --- | --- | --- | --- | --- | --- |
| 1 | change | worker killed | at image running | amid BuildImage of image | undone |
| 1 | change | worker frozen until another took over | at release is pending | its moment did not come | undone |
| 1 | change | (cancelled by the operator) | at verify running |  | undone |
| 2 | teardown |  |  |  | FAILED |

| fault | number | as without the fault | undone | FAILED |
| --- | --: | --: | --: | --: |
| worker killed | 1 | 0 | 1 | 0 |
| all | 1 | 0 | 1 | 0 |

| operation | number | as without the fault | undone | FAILED |
| --- | --: | --: | --: | --: |
| change | 1 | 0 | 1 | 0 |
| teardown | 1 | 0 | 0 | 1 |
| all | 2 | 0 | 1 | 1 |

2 runs of 0s each
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
