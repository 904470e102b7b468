package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/attempt"
	"lockstep/internal/certificates"
	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/identity"
	"lockstep/internal/keystore"
	"lockstep/internal/readiness"
	"lockstep/internal/release"
	"lockstep/internal/shared"
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
	Input
	Names    []string `json:"names"`
	Replaced bool     `json:"replaced,omitempty"` // others may have been replaced
}

// UndoGatewayInput says what to go back to.
type UndoGatewayInput struct {
	Input
	Before    release.State      `json:"before"`
	Namespace []cluster.Snapshot `json:"namespace"` // of the controller
}

// LookCRDs names the CRDs of the gateway chart that the cluster does not have and is to get.
func (a *Activities) LookCRDs(ctx context.Context, in Input) ([]string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	if !in.Env.Routing.BringsCRDs() {
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
	var crds []*unstructured.Unstructured
	if in.Env.Routing.BringsCRDs() {
		progress("reading the gateway chart")
		if crds, err = s.charts.CRDs(ctx, in.Env.Routing.Chart); err != nil {
			return "", err
		}
	}
	if err := s.shared().Begin(ctx, operation(ctx, in.Scope, in.Env), crds); err != nil {
		return "", err
	}
	var result crd.Result
	if len(crds) > 0 {
		progress(fmt.Sprintf("applying %d CRDs", len(crds)))
		if result, err = crd.Apply(ctx, s.cluster, crds, in.Env.Routing.CRDs, in.Scope.run()); err != nil {
			return "", err
		}
		note = appliedNote(result, len(crds))
	}
	return note, requireKinds(ctx, s.cluster, in.Env, result.Denied)
}

func appliedNote(r crd.Result, all int) string {
	note := fmt.Sprintf("%d of %d CRDs made", len(r.Created), all)
	for _, part := range []struct {
		count int
		what  string
	}{{len(r.Replaced), "replaced"}, {len(r.Newer), "newer already"}, {len(r.Denied), "denied by a policy and not needed"}} {
		if part.count > 0 {
			note += fmt.Sprintf(", %d %s", part.count, part.what)
		}
	}
	return note
}

// requireKinds makes sure that the cluster serves the kinds which API Manager's chart and the gateway need.
func requireKinds(ctx context.Context, c *cluster.Client, env config.Environment, denied []crd.Stays) error {
	missing, err := c.Missing(ctx, gateway.Needs(env))
	if err != nil {
		return err
	}
	return gateway.Unserved(env, missing, crd.Grouped(denied))
}

// RemoveCRDs puts back the CRDs that the operation replaced and removes those that were not there, unless others use them.
func (a *Activities) RemoveCRDs(ctx context.Context, in RemoveCRDsInput) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	var left []string
	if in.Replaced {
		if left, err = crd.Restore(ctx, s.cluster, in.Scope.run()); err != nil {
			return err
		}
	}
	if in.Env.Name == "" {
		in.Env.Name = in.Scope.Environment // of an operation that began under an earlier version
	}
	if err := s.shared().UndoCRDs(ctx, operation(ctx, in.Scope, in.Env), in.Names); err != nil || len(left) == 0 {
		return err
	}
	return failure.Final(failure.Conflict, "CRDs stay as this operation brought them: %s. They serve all objects that there are. Next: to have the earlier ones, apply the CRDs of "+
		"the earlier gateway version", strings.Join(left, ", "))
}

func (s *site) shared() shared.Parts { return shared.Parts{Cluster: s.cluster, Releases: s.releases} }

func operation(ctx context.Context, scope Scope, env config.Environment) shared.Operation {
	return shared.Operation{Env: env, Run: scope.Run, Progress: attempt.Progress(ctx)}
}

func (s Scope) run() crd.Run { return crd.Run{Environment: s.Environment, ID: s.Run} }

// ApplyGateway makes the listeners of the five hostnames.
func (a *Activities) ApplyGateway(ctx context.Context, in Input) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	if err := s.shared().Begin(ctx, operation(ctx, in.Scope, in.Env), nil); err != nil { // the CRDs' step, which does so, may have been skipped
		return err
	}
	if err := (certificates.Store{Cluster: s.cluster, Env: in.Env}).Part(ctx); err != nil {
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
	return waitGateway(ctx, s.cluster, in.Env, attempt.Progress(ctx))
}

func waitGateway(ctx context.Context, c *cluster.Client, env config.Environment, progress func(string)) (Gateway, error) {
	options := []readiness.Option{readiness.DataPlaneIn(env.Routing.Namespace)}
	if env.Routing.Installs() {
		if err := readiness.Deployment(ctx, c, env.Routing.Namespace, gateway.Deployment, progress); err != nil {
			return Gateway{}, err
		}
		options = append(options, readiness.MadeBy(gateway.Deployment))
	}
	status, err := readiness.Gateway(ctx, c, env.Namespace, env.Routing.Gateway, progress, options...)
	return Gateway{Address: status.Address, Port: status.Port}, err
}

// RestoreGatewayInput says what to go back to.
type RestoreGatewayInput struct {
	Input
	Before []cluster.Snapshot `json:"before"`
}

// RestoreGateway puts the listeners back. The class is the cluster's, and not theirs.
func (a *Activities) RestoreGateway(ctx context.Context, in RestoreGatewayInput) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(in.Before, func(s cluster.Snapshot) bool { return s.Ref.Kind == gateway.Class(in.Env).Kind })
	return restoreAll(ctx, c, own)
}

// UndoGateway puts the gateway's release back. One that was not there before all who use it goes, with what its hooks made and with the
// class, unless somebody else uses it by now.
func (a *Activities) UndoGateway(ctx context.Context, in UndoGatewayInput) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	if err := s.shared().Undo(ctx, operation(ctx, in.Scope, in.Env), in.Before, in.Namespace); err != nil || !in.Before.Exists {
		return err
	}
	return s.settleGateway(ctx, in.Env, attempt.Progress(ctx))
}

// settleGateway waits until the controller that is back has made its own data plane again. One that does not become ready may have been so
// before: it is not this undo's to mend.
func (s *site) settleGateway(ctx context.Context, env config.Environment, progress func(string)) error {
	_, listens, err := s.cluster.Get(ctx, cluster.Ref{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway", Namespace: env.Namespace, Name: env.Routing.Gateway})
	if err != nil || !listens {
		return err
	}
	waiting, stop := context.WithTimeout(ctx, settling)
	defer stop()
	if _, err := waitGateway(waiting, s.cluster, env, progress); err != nil {
		progress("the gateway is not ready: " + err.Error())
	}
	return ctx.Err()
}

// settling is enough for a lease of 15 seconds, and for an Envoy that starts and one that drains.
const settling = 90 * time.Second

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

// RemoveGateway ends the environment's use of the gateway. The last user's end takes the controller away, with what its chart's hooks left and
// with the class.
func (a *Activities) RemoveGateway(ctx context.Context, in Input) (string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	return s.shared().Leave(ctx, operation(ctx, in.Scope, in.Env))
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

// RemoveOwnCRDs removes the gateway's CRDs that Lockstep made, unless anybody uses any of them.
func (a *Activities) RemoveOwnCRDs(ctx context.Context, in Input) (string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	if !in.Env.Routing.Installs() {
		return "left: Lockstep did not install them", nil
	}
	return s.shared().RemoveCRDs(ctx, operation(ctx, in.Scope, in.Env))
}
