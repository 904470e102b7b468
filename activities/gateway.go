package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/attempt"
	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/dataplane"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/identity"
	"lockstep/internal/keystore"
	"lockstep/internal/objects"
	"lockstep/internal/readiness"
	"lockstep/internal/release"
)

// Gateway is where the environment's Gateway is reached.
type Gateway struct {
	Address string `json:"address,omitempty"`
	Port    int32  `json:"port,omitempty"` // where HTTPS is reached at Address; 0 is unknown
}

// Note says in a few words where the gateway is.
func (g Gateway) Note() string {
	if g.Address == "" {
		return ""
	}
	if g.Port == 0 || g.Port == httpsPort {
		return ", at " + g.Address
	}
	return fmt.Sprintf(", at %s:%d", g.Address, g.Port)
}

const httpsPort = 443

// RemoveCRDsInput names the CRDs that were not there before.
type RemoveCRDsInput struct {
	Scope    Scope    `json:"scope"`
	Names    []string `json:"names"`
	Replaced bool     `json:"replaced,omitempty"` // others may have been replaced
}

// UndoGatewayInput says what to go back to.
type UndoGatewayInput struct {
	Input
	Before    release.State      `json:"before"`
	Namespace []cluster.Snapshot `json:"namespace"` // of the controller
}

// LookCRDs names the CRDs of the gateway chart that the cluster does not have.
func (a *Activities) LookCRDs(ctx context.Context, in Input) ([]string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	if !in.Env.Routing.Installs() {
		return nil, nil
	}
	crds, err := s.charts.CRDs(ctx, in.Env.Routing.Chart)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, definition := range crds {
		_, found, err := s.cluster.Get(ctx, cluster.RefOf(definition))
		if err != nil {
			return nil, err
		}
		if !found {
			missing = append(missing, definition.GetName())
		}
	}
	return missing, nil
}

// ApplyCRDs brings the gateway chart's CRDs into the cluster, by the environment's policy, and checks that those which the
// products' charts use are served.
func (a *Activities) ApplyCRDs(ctx context.Context, in Input) (string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	progress := attempt.Progress(ctx)
	note := "uses the CRDs that are there"
	if in.Env.Routing.Installs() && in.Env.Routing.CRDs != config.CRDsSkip {
		progress("reading the gateway chart")
		crds, err := s.charts.CRDs(ctx, in.Env.Routing.Chart)
		if err != nil {
			return "", err
		}
		progress(fmt.Sprintf("applying %d CRDs", len(crds)))
		created, replaced, err := crd.Apply(ctx, s.cluster, crds, in.Env.Routing.CRDs, in.Scope.run())
		if err != nil {
			return "", err
		}
		note = fmt.Sprintf("%d of %d CRDs made", len(created), len(crds))
		if len(replaced) > 0 {
			note += fmt.Sprintf(", %d replaced", len(replaced))
		}
	}
	return note, requireKinds(ctx, s.cluster, in.Env)
}

// requireKinds makes sure that the cluster serves the kinds which API Manager's chart and the gateway need.
func requireKinds(ctx context.Context, c *cluster.Client, env config.Environment) error {
	missing, err := c.Missing(ctx, gateway.Needs(env))
	if err != nil {
		return err
	}
	return gateway.Unserved(env, missing)
}

// RemoveCRDs puts back the CRDs that the operation replaced and removes those that were not there and of which no object is left.
func (a *Activities) RemoveCRDs(ctx context.Context, in RemoveCRDsInput) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	var left []string
	if in.Replaced {
		if left, err = crd.Restore(ctx, c, in.Scope.run()); err != nil {
			return err
		}
	}
	before := make([]cluster.Snapshot, len(in.Names))
	for i, name := range in.Names {
		before[i] = cluster.Snapshot{Ref: cluster.Ref{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: name}}
	}
	if err := restoreAll(ctx, c, before); err != nil || len(left) == 0 {
		return err
	}
	return failure.Final(failure.Conflict, "CRDs stay as this operation brought them: %s. They serve all objects that there are. Next: to have the earlier ones, apply the CRDs of "+
		"the earlier gateway version", strings.Join(left, ", "))
}

func (s Scope) run() crd.Run { return crd.Run{Environment: s.Environment, ID: s.Run} }

// ApplyGateway makes the listeners of the five hostnames.
func (a *Activities) ApplyGateway(ctx context.Context, in Input) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	objects, err := gateway.Wanted(ctx, s.cluster, in.Env)
	if err != nil {
		return err
	}
	_, err = s.cluster.Apply(ctx, objects)
	return err
}

// WaitGateway waits until the Gateway is programmed.
func (a *Activities) WaitGateway(ctx context.Context, in Input) (Gateway, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return Gateway{}, err
	}
	progress := attempt.Progress(ctx)
	if in.Env.Routing.Installs() {
		if err := readiness.Deployment(ctx, s.cluster, in.Env.Routing.Namespace, gateway.Deployment, progress); err != nil {
			return Gateway{}, err
		}
	}
	status, err := readiness.Gateway(ctx, s.cluster, in.Env.Namespace, in.Env.Routing.Gateway, progress, readiness.DataPlaneIn(in.Env.Routing.Namespace))
	return Gateway{Address: status.Address, Port: status.Port}, err
}

// RestoreGatewayInput says what to go back to.
type RestoreGatewayInput struct {
	Input
	Before []cluster.Snapshot `json:"before"`
}

// RestoreGateway puts the listeners back. A class that this run made and others use by now stays: their Gateways hold it.
func (a *Activities) RestoreGateway(ctx context.Context, in RestoreGatewayInput) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	watched, err := gateway.Look(ctx, c)
	if err != nil {
		return err
	}
	removable := gateway.Removable(in.Env, watched)
	before := slices.DeleteFunc(in.Before, func(s cluster.Snapshot) bool { return !s.Exists && !slices.Contains(removable, s.Ref) })
	return restoreAll(ctx, c, before)
}

// UndoGateway puts the gateway's release back. One that this run installed goes, with what its hooks made, unless somebody else
// uses it by now: then it stays and that is said.
func (a *Activities) UndoGateway(ctx context.Context, in UndoGatewayInput) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	progress := attempt.Progress(ctx)
	of := ReleaseRef{Scope: in.Scope, Namespace: in.Env.Routing.Namespace, Name: in.Env.Routing.Release}
	if in.Before.Exists {
		return s.restore(ctx, of, in.Before, progress)
	}
	users, err := gateway.Users(ctx, s.cluster, in.Env)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return failure.Final(failure.Conflict, "release %s/%s stays, since it is used by %s by now; the next teardown after they are gone removes it",
			in.Env.Routing.Namespace, in.Env.Routing.Release, strings.Join(users, ", "))
	}
	if err := s.undoGateway(ctx, in, progress); err != nil {
		return err
	}
	left, err := s.cluster.Restore(ctx, in.Namespace)
	if err != nil {
		return err
	}
	return leftInPlace(left)
}

// undoGateway removes the controller with what its chart's hooks made, without what was there before this run: of a release whose
// records somebody lost the rest may be there still, and the controller itself at work. What was there is forgotten last: until
// then another attempt tells by it what this run made.
func (s *site) undoGateway(ctx context.Context, in UndoGatewayInput, progress func(string)) error {
	undo := release.Undo{Namespace: in.Env.Routing.Namespace, Name: in.Env.Routing.Release, Owner: in.Env.Name, Run: in.Scope.Run, Before: in.Before, Shared: true}
	found, err := s.releases.Snapshot(ctx, undo)
	if err != nil || !found.Began() {
		return err
	}
	if !found.Had(controller(in.Env)) {
		if err := dataplane.Remove(ctx, s.cluster, in.Env.Namespace, in.Env.Routing.Gateway, progress); err != nil {
			return err
		}
	}
	if err := s.releases.Restore(ctx, undo, progress); err != nil {
		return err
	}
	made := slices.DeleteFunc(gateway.HookObjects(in.Env), func(ref cluster.Ref) bool { return found.Had(releaseObject(ref)) })
	progress("removing what the chart's hooks left")
	if err := s.cluster.Delete(ctx, made...); err != nil {
		return err
	}
	return s.releases.Forget(ctx, undo.Namespace, undo.Name, undo.Owner)
}

func controller(env config.Environment) release.Object {
	return release.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: env.Routing.Namespace, Name: gateway.Deployment}
}

func releaseObject(ref cluster.Ref) release.Object {
	return release.Object{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
}

// removeGateway removes the controller with what its chart's hooks made, and its namespace if that was not there. The data plane
// must be gone before: only the controller removes it.
func (s *site) removeGateway(ctx context.Context, env config.Environment, namespace []cluster.Snapshot, progress func(string)) (left []cluster.Ref, err error) {
	if err := dataplane.Remove(ctx, s.cluster, env.Namespace, env.Routing.Gateway, progress); err != nil {
		return nil, err
	}
	if err := s.releases.Uninstall(ctx, env.Routing.Namespace, env.Routing.Release, progress); err != nil {
		return nil, err
	}
	progress("removing what the chart's hooks left")
	if err := s.cluster.Delete(ctx, gateway.HookObjects(env)...); err != nil {
		return nil, err
	}
	if err := s.releases.Forget(ctx, env.Routing.Namespace, env.Routing.Release, env.Name); err != nil {
		return nil, err
	}
	left, err = s.cluster.Restore(ctx, namespace)
	return left, err
}

// ApplyRoutes routes the key manager's hostname to Identity Server.
func (a *Activities) ApplyRoutes(ctx context.Context, in Input) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	_, err = s.cluster.Apply(ctx, gateway.IdentityServerRoutes(in.Env, identity.Service(in.Env), keystore.CAConfigMap))
	return err
}

// WaitRoutes waits until the gateway accepted the routes of both products.
func (a *Activities) WaitRoutes(ctx context.Context, in Input) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	progress := attempt.Progress(ctx)
	return readiness.Routes(ctx, s.cluster, in.Env.Namespace, routeNames(in.Env), progress)
}

// RemoveGateway uninstalls the gateway chart with what its hooks left, unless somebody else uses it.
func (a *Activities) RemoveGateway(ctx context.Context, in Input) (string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	progress := attempt.Progress(ctx)
	r := in.Env.Routing
	state, err := s.releases.Look(ctx, r.Namespace, r.Release)
	if err != nil {
		return "", err
	}
	if !r.Installs() || state.Exists && state.Fingerprint == "" {
		return "left: Lockstep did not install it", nil
	}
	users, err := gateway.Users(ctx, s.cluster, in.Env)
	if err != nil {
		return "", err
	}
	if len(users) > 0 {
		return "left: used by " + strings.Join(users, ", "), nil
	}
	left, err := s.removeGateway(ctx, in.Env, objects.Absent(objects.Refs(GatewayNamespaceObjects, in.Env)), progress)
	if err != nil || len(left) == 0 {
		return "uninstalled", err
	}
	note, err := occupied(ctx, s.cluster, r.Namespace)
	return "uninstalled, " + note, err
}

// routeNames are the HTTPRoutes of both products.
func routeNames(env config.Environment) []string {
	names := apim.Routes(env.APIManager.Release)
	for _, ref := range gateway.IdentityServerRefs(env, identity.Service(env)) {
		if ref.Kind == "HTTPRoute" {
			names = append(names, ref.Name)
		}
	}
	return names
}

// RemoveOwnCRDs removes the gateway chart's CRDs that Lockstep made and of which no object is left.
func (a *Activities) RemoveOwnCRDs(ctx context.Context, in Input) (string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	if !in.Env.Routing.Installs() {
		return "left: Lockstep did not install them", nil
	}
	crds, err := s.charts.CRDs(ctx, in.Env.Routing.Chart)
	if err != nil {
		return "", err
	}
	before := make([]cluster.Snapshot, len(crds))
	for i, crd := range crds {
		before[i] = cluster.Snapshot{Ref: cluster.RefOf(crd)}
	}
	left, err := s.cluster.Restore(ctx, before)
	return fmt.Sprintf("%d of %d removed", len(crds)-len(left), len(crds)), err
}
