package workflows

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/release"
	"lockstep/workflows/call"
)

func TestOnlyAnAPIManagerThatDoesNotAnswerHasNothingToLose(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"it answered":               {nil, false},
		"it is not there":           {call.Failed(failure.NotFound, "no Service"), true},
		"it is starting":            {temporal.NewApplicationError("503", string(failure.Unavailable)), true},
		"it crashes":                {call.Failed(failure.NotReady, "CrashLoopBackOff"), true},
		"it hangs":                  {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil), true},
		"it refuses the password":   {call.Failed(failure.Unauthorized, "401"), false},
		"its certificate is wrong":  {call.Failed(failure.Refused, "unknown authority"), false},
		"the worker was lost":       {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_HEARTBEAT, nil), false},
		"the operation is stopping": {temporal.NewCanceledError(), false},
		"nobody knows":              {errors.New("strange"), false},
	} {
		if got := doesNotAnswer(test.err); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAnAPIManagerThatRefusesLockstepIsNotUpgradedBlindly(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		there bool // Secrets and certificates of before
		ends  string
	}{
		"it refuses":                       {call.Failed(failure.Unauthorized, "the password is wrong"), true, "step api-manager failed: the password is wrong"},
		"it does not answer":               {call.Failed(failure.NotFound, "no Service"), true, ""},
		"it cannot know the new passwords": {call.Failed(failure.Unauthorized, "the password is wrong"), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperation(t, canonicalID)
			o.on("LookRelease", 0, func(context.Context, activities.ReleaseRef) (release.State, error) {
				return release.State{Exists: true, Revision: 1}, nil
			})
			o.on("Snapshot", 0, func(context.Context, activities.SnapshotInput) ([]cluster.Snapshot, error) {
				return []cluster.Snapshot{{Exists: test.there}}, nil
			})
			asked := 0
			o.on("LookKeyManager", 0, func(context.Context, activities.Input) (activities.KeyManagerState, error) {
				if asked++; asked == 1 && (test.there) {
					return activities.KeyManagerState{}, test.err
				}
				return activities.KeyManagerState{}, nil
			})
			o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
			err := o.GetWorkflowError()
			if (err != nil) != (test.ends != "") || err != nil && !strings.Contains(err.Error(), test.ends) {
				t.Errorf("got %v, want %q", err, test.ends)
			}
		})
	}
}

func TestTheKeyManagerOfAnAPIManagerThatForgetsComesBackWhateverDatabaseWasToCome(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("LookRelease", 0, func(context.Context, activities.ReleaseRef) (release.State, error) {
		return release.State{Exists: true, Revision: 1, Workloads: release.Names{"am-1", "am-2"}}, nil
	})
	o.on("Snapshot", 0, func(context.Context, activities.SnapshotInput) ([]cluster.Snapshot, error) {
		return []cluster.Snapshot{{Exists: true}}, nil
	})
	o.on("LookKeyManager", 0, func(context.Context, activities.Input) (activities.KeyManagerState, error) {
		return activities.KeyManagerState{Exists: true}, nil
	})
	o.on("ApplyRelease", 0, func(context.Context, activities.ApplyReleaseInput) (activities.Release, error) {
		return activities.Release{Revision: 2, Changed: true}, nil
	})
	var waited []string
	o.on("WaitWorkload", 0, func(_ context.Context, in activities.WaitInput) error {
		if in.Component == component.APIManager && len(in.Deployments) == 0 {
			return call.Failed(failure.NotReady, "the new database is not there")
		}
		waited = append(waited, in.Deployments...)
		return nil
	})
	restored := 0
	o.on("UndoKeyManager", 0, func(_ context.Context, in activities.UndoKeyManagerInput) error {
		restored++
		if !in.Before.Exists {
			t.Error("removed, and not put back")
		}
		return nil
	})
	env := quickstart(t)
	env.APIManager.Values = config.Values{"wso2": map[string]any{"apim": map[string]any{"configurations": map[string]any{
		"databases": map[string]any{"type": "postgre", "jdbc": map[string]any{"driver": "org.postgresql.Driver"},
			"apim_db": map[string]any{"url": "jdbc:postgresql://db/apim"}, "shared_db": map[string]any{"url": "jdbc:postgresql://db/shared"}}}}}}
	if !env.KeepsState() {
		t.Fatal("the environment was to have a database")
	}
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(env)})
	if err := o.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "is undone") {
		t.Error(err)
	}
	if restored != 1 || !slices.Equal(waited, []string{"am-1", "am-2"}) {
		t.Errorf("put back %d times, waited for %q", restored, waited)
	}
}
