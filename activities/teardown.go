package activities

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/gateway"
	"lockstep/internal/identity"
	"lockstep/internal/release"
)

// Remains is what there is of an environment.
type Remains struct {
	Releases map[string]release.State `json:"releases"`
	Objects  []cluster.Ref            `json:"objects"`
}

// Survey lists what there is of an environment. Nothing at all is an error: most likely the file names another namespace.
func (a *Activities) Survey(ctx context.Context, in Input) (Remains, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return Remains{}, err
	}
	found := Remains{Releases: map[string]release.State{}}
	there := false
	for _, c := range component.Of(in.Env) {
		state, err := s.releases.Look(ctx, c.Namespace, c.Release)
		if err != nil {
			return found, classifyRelease(err)
		}
		found.Releases[c.Name()] = state
		there = there || !state.IsZero() && (!c.Shared || state.Owner == in.Env.Name)
	}
	for _, set := range []ObjectSet{RouteObjects, GatewayObjects, CertificateObjects, CredentialObjects, NamespaceObjects} {
		for _, ref := range refs(set, in.Env) {
			live, exists, err := s.cluster.Get(ctx, ref)
			if err != nil {
				return found, classifyCluster(err)
			}
			if exists && live.GetLabels()[cluster.EnvironmentLabel] == in.Env.Name {
				found.Objects = append(found.Objects, ref)
			}
		}
	}
	if !there && len(found.Objects) == 0 {
		return found, failure(TypeNotFound, fmt.Sprintf("there is nothing of environment %q in namespace %q: check cluster, namespace and release names in its file",
			in.Env.Name, in.Env.Namespace))
	}
	return found, nil
}

// RemoveObjects deletes a set of objects, as far as they are Lockstep's.
func (a *Activities) RemoveObjects(ctx context.Context, in SnapshotInput) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	all := refs(in.Set, in.Env)
	if in.Set == GatewayObjects {
		watched, err := gatewayWatched(ctx, c)
		if err != nil {
			return err
		}
		all = gateway.Removable(in.Env, watched)
	}
	before := absent(all)
	if in.Set == CertificateObjects || in.Set == CredentialObjects {
		before = ownSecrets(before, in.Env)
	}
	if err := a.restoreAll(ctx, c, before); err != nil || in.Set != CertificateObjects {
		return err
	}
	return a.SettleRotation(ctx, in.Input) // of one that nobody let end
}

// absent is the snapshot of objects of which none is there.
func absent(all []cluster.Ref) []cluster.Snapshot {
	before := make([]cluster.Snapshot, len(all))
	for i, ref := range all {
		before[i] = cluster.Snapshot{Ref: ref}
	}
	return before
}

// RemoveNamespace deletes the environment's namespace if Lockstep made it. One with something of somebody else in it stays, and
// the note says what that is.
func (a *Activities) RemoveNamespace(ctx context.Context, in Input) (string, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	namespace := refs(NamespaceObjects, in.Env)
	left, err := c.Restore(ctx, absent(namespace))
	if err != nil {
		return "", classifyCluster(err)
	}
	if len(left) > 0 {
		return occupied(ctx, c, in.Env.Namespace)
	}
	_, found, err := c.Get(ctx, namespace[0])
	if found {
		return "left: Lockstep did not make it", nil
	}
	return "removed", classifyCluster(err)
}

// occupied says what keeps a namespace.
func occupied(ctx context.Context, c *cluster.Client, namespace string) (string, error) {
	occupants, err := c.Occupants(ctx, namespace)
	return fmt.Sprintf("left: namespace %s holds what is not Lockstep's: %v", namespace, occupants), classifyCluster(err)
}

// ownSecrets leaves out what the user brought.
func ownSecrets(before []cluster.Snapshot, env config.Environment) []cluster.Snapshot {
	var own []cluster.Snapshot
	for _, s := range before {
		switch s.Ref.Name {
		case env.Credentials.Secret, env.Certificates.CA, env.Certificates.GatewayTLS:
		default:
			own = append(own, s)
		}
	}
	return own
}

// RemoveReleaseInput names the product whose release goes.
type RemoveReleaseInput struct {
	Input
	Component string `json:"component"`
}

// RemoveRelease uninstalls a product's release. One that Lockstep did not make, or another environment's, stays.
func (a *Activities) RemoveRelease(ctx context.Context, in RemoveReleaseInput) (string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	progress := progress(ctx)
	c, err := component.Find(in.Env, in.Component)
	if err != nil {
		return "", classify(err)
	}
	state, err := s.releases.Look(ctx, c.Namespace, c.Release)
	if err != nil {
		return "", classifyRelease(err)
	}
	if state.IsZero() { // a deletion that was cut off has a record still
		return "not there", nil
	}
	if err := ours(in.Env, c, state); err != nil {
		return "", err
	}
	if err := s.releases.Uninstall(ctx, c.Namespace, c.Release, progress); err != nil {
		return "", classifyRelease(err)
	}
	return "uninstalled", classifyRelease(s.releases.Forget(ctx, c.Namespace, c.Release, in.Env.Name))
}

// RemoveGateway uninstalls the gateway chart with what its hooks left, unless somebody else uses it.
func (a *Activities) RemoveGateway(ctx context.Context, in Input) (string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	progress := progress(ctx)
	r := in.Env.Routing
	state, err := s.releases.Look(ctx, r.Namespace, r.Release)
	if err != nil {
		return "", classifyRelease(err)
	}
	if !r.Installs() || state.Exists && state.Fingerprint == "" {
		return "left: Lockstep did not install it", nil
	}
	users, err := gatewayUsers(ctx, s.cluster, in.Env)
	if err != nil {
		return "", err
	}
	if len(users) > 0 {
		return "left: used by " + strings.Join(users, ", "), nil
	}
	left, err := s.removeGateway(ctx, in.Env, absent(refs(GatewayNamespaceObjects, in.Env)), progress)
	if err != nil || len(left) == 0 {
		return "uninstalled", err
	}
	note, err := occupied(ctx, s.cluster, r.Namespace)
	return "uninstalled, " + note, err
}

// ours refuses a release that Lockstep did not make, and that of another environment unless environments share it.
func ours(env config.Environment, c component.Component, state release.State) error {
	if state.IsZero() {
		return nil
	}
	if state.Fingerprint == "" {
		return failure(TypeConflict, fmt.Sprintf("release %s/%s (chart %s %s) was not made by Lockstep: uninstall it by hand with `helm uninstall %s -n %s`, or give another release name in the environment file",
			c.Namespace, c.Release, state.Chart, state.Version, c.Release, c.Namespace))
	}
	if !c.Shared && state.Owner != env.Name {
		return failure(TypeConflict, fmt.Sprintf("release %s/%s belongs to environment %q: give this one a namespace of its own, or correct its name",
			c.Namespace, c.Release, state.Owner))
	}
	return nil
}

func (a *Activities) restoreAll(ctx context.Context, c *cluster.Client, before []cluster.Snapshot) error {
	left, err := c.Restore(ctx, before)
	if err != nil {
		return classifyCluster(err)
	}
	return leftInPlace(left)
}

func leftInPlace(left []cluster.Ref) error {
	if len(left) > 0 {
		return failure(TypeConflict, fmt.Sprintf("left in place, because others use it or made it: %v; remove it by hand if it is not needed", left))
	}
	return nil
}

// gatewayObjects are the Gateway and what it needs. A GatewayClass of that name that somebody else made is used as it is.
func gatewayObjects(ctx context.Context, c *cluster.Client, env config.Environment) ([]*unstructured.Unstructured, error) {
	class, _, err := c.Get(ctx, cluster.RefOf(gateway.Objects(env)[0]))
	if err != nil {
		return nil, classifyCluster(err)
	}
	objects, err := gateway.Plan(env, class)
	return objects, classifyCluster(err)
}

// gatewayUsers names what others have that needs the gateway's controller.
func gatewayUsers(ctx context.Context, c *cluster.Client, env config.Environment) ([]string, error) {
	watched, err := gatewayWatched(ctx, c)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, ref := range gateway.InUse(env, watched) {
		users = append(users, ref.String())
	}
	return users, nil
}

// gatewayWatched are the cluster's objects of the kinds by which somebody may use a gateway controller.
func gatewayWatched(ctx context.Context, c *cluster.Client) (objects []*unstructured.Unstructured, err error) {
	for _, kind := range gateway.Watched() {
		some, err := c.List(ctx, kind.GroupVersion().String(), kind.Kind, "", "")
		if err != nil {
			return nil, classifyCluster(err)
		}
		objects = append(objects, some...)
	}
	return objects, nil
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

// RemoveOwnCRDs removes the gateway chart's kinds that Lockstep made and of which no object is left.
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
		return "", classifyRelease(err)
	}
	before := make([]cluster.Snapshot, len(crds))
	for i, crd := range crds {
		before[i] = cluster.Snapshot{Ref: cluster.RefOf(crd)}
	}
	left, err := s.cluster.Restore(ctx, before)
	return fmt.Sprintf("%d of %d removed", len(crds)-len(left), len(crds)), classifyCluster(err)
}
