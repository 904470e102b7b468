package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/release"
	"lockstep/workflows/call"
)

func (d *deployment) snapshot(ctx workflow.Context, set activities.ObjectSet) ([]cluster.Snapshot, error) {
	in := activities.SnapshotInput{Input: d.trimmed(""), Set: set}
	return call.Get[[]cluster.Snapshot](ctx, call.Quick("look what is there"), a.Snapshot, in)
}

func (d *deployment) restore(ctx workflow.Context, before []cluster.Snapshot) error {
	return call.Do(ctx, call.Undo("put back what was there"), a.Restore, activities.RestoreInput{Scope: d.scope, Before: before})
}

// component is the row of one of the environment's components.
func (d *deployment) component(name string) component.Component {
	c, err := component.Find(d.env, name)
	if err != nil {
		panic(err) // names are constants
	}
	return c
}

func (d *deployment) releaseName(component string) string { return d.component(component).Release }

func (d *deployment) releaseNamespace(component string) string {
	return d.component(component).Namespace
}

func (d *deployment) releaseRef(component string) activities.ReleaseRef {
	return activities.ReleaseRef{Scope: d.scope, Namespace: d.releaseNamespace(component), Name: d.releaseName(component)}
}

func (d *deployment) lookRelease(ctx workflow.Context, component string) error {
	state, err := call.Get[release.State](ctx, call.Quick("look for release "+d.releaseName(component)), a.LookRelease, d.releaseRef(component))
	d.before[component] = state
	return err
}

func (d *deployment) applyRelease(ctx workflow.Context, component string) error {
	in := activities.ApplyReleaseInput{
		Input: d.trimmed(component), Component: component, Image: d.image, APIManagerImage: d.checked.APIManagerImage,
		Before: d.before[component], Restart: d.restart,
	}
	applied, err := call.Get[activities.Release](ctx, call.Work("apply release "+d.releaseName(component)), a.ApplyRelease, in)
	d.applied[component] = applied
	d.changed[component] = d.changed[component] || err != nil || applied.Revision != d.before[component].Revision // an attempt before may have done it
	return err
}

func (d *deployment) restoreRelease(ctx workflow.Context, component string) error {
	in := activities.RestoreReleaseInput{Release: d.releaseRef(component), Before: d.before[component]}
	return call.Do(ctx, call.Undo("restore release "+d.releaseName(component)), a.RestoreRelease, in)
}

func (d *deployment) releaseNote(component string) string {
	applied := d.applied[component]
	if !applied.Changed {
		return fmt.Sprintf("unchanged, revision %d", applied.Revision)
	}
	return fmt.Sprintf("revision %d", applied.Revision)
}

func (d *deployment) lookCRDs(ctx workflow.Context) (err error) {
	d.missing, err = call.Get[[]string](ctx, call.Quick("look which CRDs there are"), a.LookCRDs, d.trimmed(""))
	return err
}

func (d *deployment) applyCRDs(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Work("install missing CRDs"), a.ApplyCRDs, d.trimmed(""))
}

func (d *deployment) removeCRDs(ctx workflow.Context) error {
	in := activities.RemoveCRDsInput{Scope: d.scope, Names: d.missing, Replaced: activities.ReplacesCRDs(d.env)}
	return call.Do(ctx, call.Undo("put the CRDs back"), a.RemoveCRDs, in)
}

func (d *deployment) lookGateway(ctx workflow.Context) error {
	objects, err := d.snapshot(ctx, activities.GatewayObjects)
	if err != nil {
		return err
	}
	d.objects["gateway"] = objects
	if !d.env.Routing.Installs() {
		return nil
	}
	if d.objects["gateway-namespace"], err = d.snapshot(ctx, activities.GatewayNamespaceObjects); err != nil {
		return err
	}
	return d.lookRelease(ctx, activities.GatewayController)
}

func (d *deployment) installGateway(ctx workflow.Context) (string, error) {
	note := "uses the controller that is there"
	if d.env.Routing.Installs() {
		if err := d.applyRelease(ctx, activities.GatewayController); err != nil {
			return "", err
		}
		note = d.releaseNote(activities.GatewayController)
	}
	if err := call.Do(ctx, call.Quick("apply listeners"), a.ApplyGateway, d.trimmed("")); err != nil {
		return "", err
	}
	o := call.Wait("wait until the gateway is programmed", time.Duration(d.env.Timeouts.Gateway))
	gateway, err := call.Get[activities.Gateway](ctx, o, a.WaitGateway, d.trimmed(""))
	d.gateway = gateway
	return note + gateway.Note(), err
}

// undoGateway takes the listeners away first, so that a controller that stays or goes removes their data plane.
func (d *deployment) undoGateway(ctx workflow.Context) error {
	objects := activities.RestoreGatewayInput{Input: d.trimmed(""), Before: d.objects["gateway"]}
	if err := call.Do(ctx, call.Undo("put the listeners back"), a.RestoreGateway, objects); err != nil {
		return err
	}
	if !d.env.Routing.Installs() {
		return nil
	}
	in := activities.UndoGatewayInput{
		Input:  d.trimmed(activities.GatewayController), // its values name what the chart's hooks made
		Before: d.before[activities.GatewayController], Namespace: d.objects["gateway-namespace"],
	}
	return call.Do(ctx, call.Undo("restore release "+d.env.Routing.Release), a.UndoGateway, in)
}
