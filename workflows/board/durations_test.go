package board

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockstep/activities"
)

func TestTheCriticalPathIsTheChainThatTheEndWaitedFor(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	// row is a step that ran from second begin to second end; an end below zero is still to come.
	row := func(name string, begin, end float64, needs ...string) StepStatus {
		at := func(seconds float64) *time.Time {
			moment := start.Add(time.Duration(seconds * float64(time.Second)))
			return &moment
		}
		s := StepStatus{Name: name, Needs: needs, Started: at(begin)}
		if end >= 0 {
			s.Ended = at(end)
		}
		return s
	}
	waiting := func(name string, needs ...string) StepStatus { return StepStatus{Name: name, Needs: needs} }

	for name, test := range map[string]struct {
		steps []StepStatus
		now   float64 // seconds after the start
		path  activities.CriticalPath
		took  map[string]float64 // of each step
	}{
		"no steps": {now: 2, path: activities.CriticalPath{Makespan: 2}, took: map[string]float64{}},
		"a chain takes as long as its links": {
			steps: []StepStatus{row("a", 0, 2), row("b", 2, 5, "a")}, now: 5,
			path: activities.CriticalPath{Steps: []string{"a", "b"}, Took: 5, Makespan: 5},
			took: map[string]float64{"a": 2, "b": 3},
		},
		"of two branches the later end counts": {
			steps: []StepStatus{row("a", 0, 1), row("quick", 1, 2, "a"), row("slow", 1, 9, "a"), row("z", 9, 10, "quick", "slow")}, now: 10,
			path: activities.CriticalPath{Steps: []string{"a", "slow", "z"}, Took: 10, Makespan: 10},
			took: map[string]float64{"a": 1, "quick": 1, "slow": 8, "z": 1},
		},
		"time between steps is the makespan's alone": {
			steps: []StepStatus{row("a", 0.5, 2), row("b", 2.25, 5, "a")}, now: 6,
			path: activities.CriticalPath{Steps: []string{"a", "b"}, Took: 4.25, Makespan: 6},
			took: map[string]float64{"a": 1.5, "b": 2.75},
		},
		"a step under way ends now": {
			steps: []StepStatus{row("a", 0, 2), row("side", 0, 3), row("report", 2, -1, "a")}, now: 4,
			path: activities.CriticalPath{Steps: []string{"a", "report"}, Took: 4, Makespan: 4},
			took: map[string]float64{"a": 2, "side": 3, "report": 2},
		},
		"a step that never began takes nothing": {
			steps: []StepStatus{row("a", 0, 2), waiting("never", "a")}, now: 2,
			path: activities.CriticalPath{Steps: []string{"a"}, Took: 2, Makespan: 2},
			took: map[string]float64{"a": 2, "never": 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := start.Add(time.Duration(test.now * float64(time.Second)))
			all, path := Durations(Status{Started: start, Steps: test.steps}, now)
			if diff := cmp.Diff(test.path, path); diff != "" {
				t.Error(diff)
			}
			took := map[string]float64{}
			for _, d := range all {
				took[d.Step] = d.Took
			}
			if diff := cmp.Diff(test.took, took); diff != "" {
				t.Error(diff)
			}
		})
	}
}
