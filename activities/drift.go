package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"lockstep/internal/apim"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/drift"
	"lockstep/internal/gateway"
	"lockstep/internal/identity"
	"lockstep/internal/keystore"
	"lockstep/internal/readiness"
	"lockstep/internal/release"
)

// Images are those that a deployment would use, and where the registry is behind.
type Images struct {
	Image           Image        `json:"image"`
	APIManagerImage string       `json:"apiManagerImage"`
	Items           []drift.Item `json:"items,omitempty"`
}

// DriftImage finds out which images a deployment would use. It pushes nothing.
func (a *Activities) DriftImage(ctx context.Context, in Input) (Images, error) {
	b, err := a.builder(ctx, in.Env)
	if err != nil {
		return Images{}, err
	}
	built, err := b.Plan(ctx, imageSpec(in.Env.Image), progress(ctx))
	if err != nil {
		return Images{}, err
	}
	found := Images{Image: Image{Reference: built.Reference, Digest: built.Digest, Version: built.Version, Home: built.Home}}
	if found.APIManagerImage, err = b.Resolve(ctx, "apiManager.image", in.Env.APIManager.Image, in.Env.Image.PlainHTTP); err != nil {
		return found, err
	}
	tag, err := b.Look(ctx, in.Env.Image.Target, in.Env.Image.PlainHTTP)
	if err != nil {
		return found, err
	}
	if tag.Digest != built.Digest {
		is := tag.Digest
		if !tag.Exists {
			is = drift.Missing
		}
		found.Items = []drift.Item{{Object: "image " + in.Env.Image.Target, Field: "digest", Wants: built.Digest, Is: is}}
	}
	return found, nil
}

// DriftRelease says in what a component's release and its objects are not what a deployment would make of them.
func (a *Activities) DriftRelease(ctx context.Context, in ApplyReleaseInput) ([]drift.Item, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	c, err := component.Find(in.Env, in.Component)
	if err != nil {
		return nil, classify(err)
	}
	state, err := s.releases.Look(ctx, c.Namespace, c.Release)
	if err != nil {
		return nil, classifyRelease(err)
	}
	if foreign := ours(in.Env, c, state); foreign != nil {
		return []drift.Item{{Object: "release " + c.Namespace + "/" + c.Release, Wants: "Lockstep's, of this environment", Is: "somebody else's", Next: said(foreign)}}, nil
	}
	spec, err := releaseSpec(ctx, s.cluster, c, in)
	if typed(err, TypeNotFound) { // without its stores all else can be compared
		spec, err = composed(c, in, component.Pods{Checksum: drift.Missing, Restart: in.Restart})
	}
	if err != nil {
		return nil, err
	}
	items, err := s.releases.Compare(ctx, spec)
	for i := range items {
		if !c.Product && items[i].Next != "" { // a rebuild in place is of the products
			items[i].Next = release.PutBack
		}
	}
	return items, classifyRelease(err)
}

// DriftWorkload says which Deployments of a product are not ready.
func (a *Activities) DriftWorkload(ctx context.Context, in WaitInput) (items []drift.Item, err error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	of, err := component.Find(in.Env, in.Component)
	if err != nil {
		return nil, classify(err)
	}
	for _, name := range of.Deployments {
		ready, err := readiness.IsReady(ctx, c, of.Namespace, name)
		err = classifyCluster(err)
		if typed(err, TypeNotFound) {
			continue // its release says so
		}
		if err != nil {
			return nil, err
		}
		if !ready {
			items = append(items, drift.Item{Object: "Deployment " + of.Namespace + "/" + name, Field: "pods", Wants: "all ready", Is: "not all ready",
				Next: fmt.Sprintf("look at them: `kubectl describe deployment %s -n %s`", name, of.Namespace)})
		}
	}
	return items, nil
}

// DriftObjects says in what a set of objects is not what a deployment would apply.
func (a *Activities) DriftObjects(ctx context.Context, in SnapshotInput) ([]drift.Item, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	switch in.Set {
	case GatewayObjects:
		objects, err := gatewayObjects(ctx, c, in.Env)
		if typed(err, TypeConflict) {
			return []drift.Item{{Object: "GatewayClass " + in.Env.Routing.GatewayClass, Wants: "of controller " + in.Env.Routing.ControllerName, Is: "of another", Next: said(err)}}, nil
		}
		if err != nil {
			return nil, err
		}
		items, err := c.Compare(ctx, objects)
		return items, classifyCluster(err)
	case RouteObjects:
		items, err := c.Compare(ctx, gateway.IdentityServerRoutes(in.Env, identity.Service(in.Env), CAConfigMap))
		return items, classifyCluster(err)
	}
	return absentObjects(ctx, c, refs(in.Set, in.Env))
}

func absentObjects(ctx context.Context, c *cluster.Client, all []cluster.Ref) (items []drift.Item, err error) {
	for _, ref := range all {
		_, found, err := c.Get(ctx, ref)
		if err != nil {
			return nil, classifyCluster(err)
		}
		if !found {
			items = append(items, drift.Item{Object: ref.String(), Wants: drift.There, Is: drift.Missing})
		}
	}
	return items, nil
}

// DriftKeys says what is wrong with credentials and certificates: what is missing, does not fit or will soon expire.
func (a *Activities) DriftKeys(ctx context.Context, in Input) ([]drift.Item, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	items, err := absentObjects(ctx, c, append(refs(CredentialObjects, in.Env), refs(CertificateObjects, in.Env)...))
	if err != nil {
		return nil, err
	}
	secrets, err := credentials(ctx, c, in.Env)
	switch {
	case typed(err, TypeNotFound):
		return items, nil
	case typed(err, TypeInvalidConfig):
		return append(items, drift.Item{Object: "Secret " + in.Env.Namespace + "/" + in.Env.CredentialsSecret(), Wants: "passwords and keys", Is: "incomplete", Next: said(err)}), nil
	case err != nil:
		return nil, err
	}
	existing, err := existingStores(ctx, c, in.Env)
	if err != nil {
		return nil, err
	}
	names := keystore.NamesFor(in.Env, apim.Service(in.Env), identity.Service(in.Env))
	for _, finding := range keystore.Check(names, existing, string(secrets[keyKeystorePassword]), time.Now()) {
		items = append(items, drift.Item{Object: finding.Where, Wants: "valid for more than 30 days, with the file's names, trusted", Is: finding.Problem,
			Next: finding.NextMove})
	}
	return items, nil
}

// DriftKeyManager says in what the registered key manager is not what a deployment would register.
func (a *Activities) DriftKeyManager(ctx context.Context, in Input) ([]drift.Item, error) {
	p, err := a.products(ctx, in.Env)
	if err != nil {
		return nil, err
	}
	defer p.close()
	discovery, err := p.identity.Discovery(ctx)
	if err != nil {
		return nil, p.classify(ctx, err)
	}
	object := "key manager " + in.Env.KeyManager.Name
	stored, err := p.apim.FindKeyManager(ctx, in.Env.KeyManager.Name)
	if err != nil {
		return nil, p.classify(ctx, err)
	}
	if stored == nil {
		return []drift.Item{{Object: object, Wants: "registered", Is: drift.Missing}}, nil
	}
	items := apim.Differences(stored, wantedKeyManager(in.Env, discovery.Issuer, p.admin))
	for i := range items {
		items[i].Object = object
		items[i].Wants, items[i].Is = strings.ReplaceAll(items[i].Wants, p.admin, drift.Hidden), strings.ReplaceAll(items[i].Is, p.admin, drift.Hidden)
	}
	return items, nil
}

func typed(err error, kind string) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == kind
}

// said is what an error says of itself.
func said(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Message()
	}
	return err.Error()
}
