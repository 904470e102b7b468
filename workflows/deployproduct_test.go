package workflows

import (
	"context"
	"errors"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/internal/cluster"
	"lockstep/internal/release"
)

func TestOnlyAnAPIManagerThatDoesNotAnswerHasNothingToLose(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"it answered":               {nil, false},
		"it is not there":           {broken(activities.TypeNotFound, "no Service"), true},
		"it is starting":            {temporal.NewApplicationError("503", activities.TypeUnavailable), true},
		"it hangs":                  {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_START_TO_CLOSE, nil), true},
		"it refuses the password":   {broken(activities.TypeUnauthorized, "401"), false},
		"its certificate is wrong":  {broken(activities.TypeRefused, "unknown authority"), false},
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
		"it refuses":                       {broken(activities.TypeUnauthorized, "the password is wrong"), true, "step api-manager failed: the password is wrong"},
		"it does not answer":               {broken(activities.TypeNotFound, "no Service"), true, ""},
		"it cannot know the new passwords": {broken(activities.TypeUnauthorized, "the password is wrong"), false, ""},
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
			o.ExecuteWorkflow(Deploy, DeployInput{Environment: quickstart(t)})
			err := o.GetWorkflowError()
			if (err != nil) != (test.ends != "") || err != nil && !strings.Contains(err.Error(), test.ends) {
				t.Errorf("got %v, want %q", err, test.ends)
			}
		})
	}
}
