// Package shared owns what a cluster has once for all of its environments: the CRDs of Gateway API and Envoy Gateway, the gateway's
// controller and the GatewayClass. Environments use it and are counted; whoever is the last takes away what Lockstep made, in whatever order
// they came, and nothing is taken from under anybody.
//
// Who uses it stands in a [Register]: an environment is entered before its first CRD is applied and struck out after its own listeners are
// gone. Things are removed in [Register.Alone]: nobody begins meanwhile. What others have in the cluster without an entry, such as a
// Gateway of somebody else, or of an environment that an earlier version deployed, counts as well.
package shared

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/dataplane"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/objects"
	"lockstep/internal/release"
	"lockstep/internal/release/snapshot"
)

// Parts are what is shared of one cluster.
type Parts struct {
	Cluster  *cluster.Client
	Releases *release.Engine
}

// Operation is who begins or ends to use it, with the progress of that.
type Operation struct {
	Env      config.Environment
	Run      string
	Progress func(string)
}

func (p Parts) register() Register {
	return Register{Leases: p.Cluster.Kube().CoordinationV1().Leases(Namespace)}
}

// Begin makes the environment a user. It comes before the first change of anything that is shared. crds are those of its gateway's chart.
func (p Parts) Begin(ctx context.Context, o Operation, crds []*unstructured.Unstructured) error {
	look := func(ctx context.Context) (Brought, error) { return p.missing(ctx, o.Env, crds) }
	return p.register().Begin(ctx, o.Env.Name, useOf(o), look, o.Progress)
}

// Uses says whether the environment is a user by the register.
func (p Parts) Uses(ctx context.Context, environment string) (bool, error) {
	r := p.register()
	lease, err := r.read(ctx)
	if err != nil {
		return false, cluster.Classify("reading "+r.String(), err)
	}
	b, err := bookOf(lease)
	use, known := b.uses[environment]
	return known && !use.Left, err
}

func useOf(o Operation) Use {
	use := Use{Run: o.Run, Class: o.Env.Routing.GatewayClass}
	if o.Env.Routing.Installs() {
		use.Release = o.Env.Routing.Namespace + "/" + o.Env.Routing.Release
	}
	return use
}

func (p Parts) missing(ctx context.Context, env config.Environment, crds []*unstructured.Unstructured) (found Brought, err error) {
	for _, crd := range crds {
		_, there, err := p.Cluster.Get(ctx, cluster.RefOf(crd))
		if err != nil {
			return found, err
		}
		if !there {
			found.CRDs = append(found.CRDs, crd.GetName())
		}
	}
	_, there, err := p.Cluster.Get(ctx, gateway.Class(env))
	if err != nil {
		return found, err
	}
	found.Class = !there
	if !env.Routing.Installs() {
		return found, nil
	}
	_, there, err = p.Cluster.Get(ctx, cluster.Ref{APIVersion: "v1", Kind: "Namespace", Name: env.Routing.Namespace})
	if err != nil {
		return found, err
	}
	found.Namespace = !there
	state, err := p.Releases.Look(ctx, env.Routing.Namespace, env.Routing.Release)
	found.Release = !state.Exists
	return found, err
}

// Leave removes an environment, whose own listeners are gone, from the users, and with the last of them the class and the controller that
// Lockstep made, and the CRDs if somebody wanted them gone before. The note says what became of them.
func (p Parts) Leave(ctx context.Context, o Operation) (note string, err error) {
	if err := p.dataPlaneGone(ctx, o); err != nil {
		return "", err
	}
	err = p.register().Alone(ctx, o.Env.Name, o.Run, o.Progress, func(ctx context.Context, s Standing) (Fate, error) {
		if err := p.removeClass(ctx, o, s); err != nil {
			return Stays, err
		}
		var err error
		if note, err = p.removeController(ctx, o, s); err != nil || s.Own == nil || !s.Own.Brought.Purged {
			return Gone, err
		}
		crds, err := p.removeCRDs(ctx, s)
		note += "; and CRDs that an earlier purge had to leave: " + crds
		return Gone, err
	})
	return note, err
}

// dataPlaneGone waits until the controller has removed what it made for the environment, and removes it if no controller does.
func (p Parts) dataPlaneGone(ctx context.Context, o Operation) error {
	if !o.Env.Routing.Installs() {
		return nil
	}
	_, there, err := p.Cluster.Get(ctx, gatewayOf(o.Env))
	if err != nil || there { // a Gateway of somebody else, of that name
		return err
	}
	return dataplane.Remove(ctx, p.Cluster, o.Env.Routing.Namespace, o.Env.Namespace, o.Env.Routing.Gateway, o.Progress)
}

func gatewayOf(env config.Environment) cluster.Ref {
	refs := gateway.Refs(env)
	return refs[len(refs)-1]
}

func (p Parts) removeController(ctx context.Context, o Operation, s Standing) (note string, err error) {
	r := o.Env.Routing
	const foreign = "left: Lockstep did not install it"
	if !r.Installs() {
		return foreign, nil // and the worker may not be allowed to read its release
	}
	state, err := p.Releases.Look(ctx, r.Namespace, r.Release)
	if err != nil {
		return "", err
	}
	if state.Exists && state.Fingerprint == "" {
		return foreign, nil
	}
	users, err := p.users(ctx, o.Env, s)
	if err != nil {
		return "", err
	}
	if len(users) > 0 {
		return "left: used by " + strings.Join(users, ", "), nil
	}
	if err := p.uninstall(ctx, o); err != nil {
		return "", err
	}
	left, err := p.Cluster.Restore(ctx, objects.Absent(objects.Refs(objects.GatewayNamespace, o.Env)))
	switch {
	case failure.Is(err, failure.Unauthorized):
		return "uninstalled, left: the worker's account may not delete namespace " + r.Namespace, nil
	case err != nil || len(left) == 0:
		return "uninstalled", err
	}
	occupants, err := p.Cluster.Occupants(ctx, r.Namespace)
	return fmt.Sprintf("uninstalled, left: namespace %s holds what is not Lockstep's: %v", r.Namespace, occupants), err
}

// users are those of the controller: other environments, and what others have that needs it.
func (p Parts) users(ctx context.Context, env config.Environment, s Standing) ([]string, error) {
	users := s.Users(func(u Use) bool { return u.Release == env.Routing.Namespace+"/"+env.Routing.Release })
	live, err := gateway.Users(ctx, p.Cluster, env)
	return append(users, live...), err
}

func (p Parts) uninstall(ctx context.Context, o Operation) error {
	r := o.Env.Routing
	if err := p.Releases.Uninstall(ctx, r.Namespace, r.Release, o.Progress); err != nil {
		return err
	}
	o.Progress("removing what the chart's hooks left")
	if err := p.Cluster.Delete(ctx, gateway.HookObjects(o.Env)...); err != nil {
		return err
	}
	return p.Releases.Forget(ctx, r.Namespace, r.Release, o.Env.Name)
}

// removeClass removes the GatewayClass if Lockstep made it and nobody uses it. Its controller must still run: it holds a class by a
// finalizer.
func (p Parts) removeClass(ctx context.Context, o Operation, s Standing) error {
	if len(s.Users(func(u Use) bool { return u.Class == o.Env.Routing.GatewayClass })) > 0 {
		return nil
	}
	watched, err := gateway.Look(ctx, p.Cluster)
	if err != nil || gateway.ClassInUse(o.Env, watched) {
		return err
	}
	return p.Cluster.Delete(ctx, gateway.Class(o.Env))
}

// leaves says whether the undo of a run ends the use: the environment was no user before it.
func (s Standing) leaves(run string) bool { return s.Own != nil && s.Own.Run == run }

// Undo undoes what the run did to the controller and the class. If that began the use, the environment leaves. What all who used it together
// brought goes with the last of them; while others use it, it stays. What was there before is put back as far as nobody else changed it
// since. before and namespace are what the run saw.
func (p Parts) Undo(ctx context.Context, o Operation, before release.State, namespace []cluster.Snapshot) error {
	return p.register().Alone(ctx, o.Env.Name, o.Run, o.Progress, func(ctx context.Context, s Standing) (Fate, error) {
		users, err := p.users(ctx, o.Env, s)
		if err != nil {
			return Stays, err
		}
		leaves := s.leaves(o.Run)
		if leaves && len(users) == 0 {
			if err := p.takeAway(ctx, o, s); err != nil {
				return Stays, err
			}
		}
		fate := Stays
		if leaves {
			fate = Left
		}
		switch {
		case leaves && len(users) == 0 && s.Own.Brought.Release, !before.Exists && len(users) > 0:
			return fate, nil
		case before.Exists:
			return fate, p.rollBack(ctx, o, before)
		}
		if _, err := p.undoInstallation(ctx, o, o.Env.Name, o.Run); err != nil {
			return Stays, err
		}
		return fate, p.restore(ctx, namespace)
	})
}

func (p Parts) rollBack(ctx context.Context, o Operation, before release.State) error {
	r := o.Env.Routing
	undo := release.Undo{Namespace: r.Namespace, Name: r.Release, Owner: o.Env.Name, Run: o.Run, Before: before}
	if err := p.Releases.Restore(ctx, undo, o.Progress); err != nil {
		return err
	}
	return p.Releases.Forget(ctx, r.Namespace, r.Release, o.Env.Name)
}

// takeAway removes the class and the controller as far as those who used them brought them.
func (p Parts) takeAway(ctx context.Context, o Operation, s Standing) error {
	if s.Own.Brought.Class {
		if err := p.removeClass(ctx, o, s); err != nil {
			return err
		}
	}
	if !s.Own.Brought.Release || !o.Env.Routing.Installs() {
		return nil
	}
	if err := p.undoController(ctx, o, s.Own.Brought); err != nil || !s.Own.Brought.Namespace {
		return err
	}
	return p.restore(ctx, objects.Absent(objects.Refs(objects.GatewayNamespace, o.Env)))
}

// restore goes back to a snapshot; what has to stay is a failure.
func (p Parts) restore(ctx context.Context, before []cluster.Snapshot) error {
	left, err := p.Cluster.Restore(ctx, before)
	if err == nil && len(left) > 0 {
		err = failure.Final(failure.Conflict, "left in place, because others use it or made it: %v; remove it by hand if it is not needed", left)
	}
	return err
}

// undoController removes the controller with what its chart's hooks made, without what was there before: of a release whose records
// somebody lost the rest may be there still, and the controller itself at work. Those who installed it noted what was there, and it is
// forgotten last: until then another attempt tells by it what was made.
func (p Parts) undoController(ctx context.Context, o Operation, brought Brought) error {
	for _, by := range []release.Undo{{Owner: o.Env.Name, Run: o.Run}, {Owner: brought.Environment, Run: brought.Run}} {
		began, err := p.undoInstallation(ctx, o, by.Owner, by.Run)
		if err != nil || began {
			return err
		}
	}
	state, err := p.Releases.Look(ctx, o.Env.Routing.Namespace, o.Env.Routing.Release)
	if err != nil || !state.Exists || state.Fingerprint == "" {
		return err
	}
	if err := p.dataPlaneGone(ctx, o); err != nil {
		return err
	}
	return p.uninstall(ctx, o)
}

// undoInstallation removes what a run installed of the controller; began says whether it did.
func (p Parts) undoInstallation(ctx context.Context, o Operation, owner, run string) (began bool, err error) {
	r := o.Env.Routing
	undo := release.Undo{Namespace: r.Namespace, Name: r.Release, Owner: owner, Run: run, Shared: true}
	found, err := p.Releases.Snapshot(ctx, undo)
	if err != nil || !found.Began() {
		return false, err
	}
	if !found.Had(controller(o.Env)) {
		if err := p.dataPlaneGone(ctx, o); err != nil {
			return true, err
		}
	}
	if err := p.Releases.Restore(ctx, undo, o.Progress); err != nil {
		return true, err
	}
	made := slices.DeleteFunc(gateway.HookObjects(o.Env), func(ref cluster.Ref) bool { return found.Had(releaseObject(ref)) })
	o.Progress("removing what the chart's hooks left")
	if err := p.Cluster.Delete(ctx, made...); err != nil {
		return true, err
	}
	return true, p.Releases.Forget(ctx, r.Namespace, r.Release, owner)
}

func controller(env config.Environment) snapshot.Object {
	return snapshot.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: env.Routing.Namespace, Name: gateway.Deployment}
}

func releaseObject(ref cluster.Ref) snapshot.Object {
	return snapshot.Object{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
}
