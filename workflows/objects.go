package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/internal/cluster"
	"lockstep/internal/drift"
	"lockstep/internal/objects"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// redeploy is what an operator does by hand where only a deployment can put back what was there.
const redeploy = "deploy the earlier environment file again"

// objectSet are the objects that a step makes, apart from releases: what was not there is removed by an undo, what was there is put back.
type objectSet struct {
	*run
	set    objects.Set
	before []cluster.Snapshot
}

func (o *objectSet) look(ctx workflow.Context) (err error) {
	in := activities.SnapshotInput{Input: o.trimmed(""), Set: o.set}
	o.before, err = call.Get[[]cluster.Snapshot](ctx, call.Quick("read what exists"), a.Snapshot, in)
	return err
}

func (o *objectSet) undo(ctx workflow.Context) error {
	in := activities.RestoreInput{Input: o.trimmed(""), Set: o.set, Before: o.before}
	return call.Do(ctx, call.Undo("restore the prior state"), a.Restore, in)
}

// remedy deletes what was not there, and leaves what was to a deployment.
func (o *objectSet) remedy() string {
	var all []string
	changed := false
	for _, object := range o.before {
		if object.Exists {
			changed = true
			continue
		}
		command := fmt.Sprintf("`kubectl delete %s %s --ignore-not-found", strings.ToLower(object.Ref.Kind), object.Ref.Name)
		if object.Ref.Namespace != "" {
			command += " -n " + object.Ref.Namespace
		}
		all = append(all, command+"`")
	}
	if changed {
		all = append(all, redeploy)
	}
	return strings.Join(all, ", ")
}

// lacked says whether an object of that name was not there.
func (o *objectSet) lacked(name string) bool {
	for _, object := range o.before {
		if object.Ref.Name == name && !object.Exists {
			return true
		}
	}
	return false
}

// removed is the row of a teardown that removes the set.
func (o *objectSet) removed(name, summary string) saga.Step {
	return removal(name, summary, func(ctx workflow.Context) (string, error) {
		in := activities.SnapshotInput{Input: o.trimmed(""), Set: o.set}
		return "", call.Do(ctx, call.Undo(summary), a.RemoveObjects, in)
	})
}

// differ compares the set, with the chart values of one component, or of none if the name is empty.
func (o *objectSet) differ(ctx workflow.Context, values string) ([]drift.Item, error) {
	in := activities.SnapshotInput{Input: o.trimmed(values), Set: o.set}
	return call.Get[[]drift.Item](ctx, call.Quick("compare objects"), a.DriftObjects, in)
}
