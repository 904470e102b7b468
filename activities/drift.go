package activities

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/apim"
	"lockstep/internal/attempt"
	"lockstep/internal/certificates"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/credentials"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/identity"
	"lockstep/internal/keystore"
	"lockstep/internal/objects"
	"lockstep/internal/readiness"
)

// Images are those that a deployment would use, and where the registry is behind.
type Images struct {
	Image           Image        `json:"image"`
	APIManagerImage string       `json:"apiManagerImage"`
	Items           []drift.Item `json:"items,omitempty"`
}

// Tell implements [redact.Teller].
func (i *Images) Tell(say func(string) string) {
	for n := range i.Items {
		i.Items[n].Tell(say)
	}
}

// DriftImage finds out which images a deployment would use. It pushes nothing.
func (a *Activities) DriftImage(ctx context.Context, in Input) (Images, error) {
	b, err := a.builder(ctx, in.Env)
	if err != nil {
		return Images{}, err
	}
	built, err := b.Plan(ctx, imageSpec(in.Env.Image), attempt.Progress(ctx))
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
		return nil, err
	}
	state, err := s.releases.Look(ctx, c.Namespace, c.Release)
	if err != nil {
		return nil, err
	}
	if foreign := c.CheckOwner(in.Env.Name, state); foreign != nil {
		return []drift.Item{{Object: "release " + c.Namespace + "/" + c.Release, Wants: "Lockstep's, of this environment", Is: "somebody else's", Next: foreign.Error()}}, nil
	}
	spec, err := releaseSpec(ctx, s.cluster, c, in)
	if failure.Is(err, failure.NotFound) { // without its stores all else can be compared
		spec, err = composed(c, in, component.Pods{Checksum: drift.Missing, Restart: in.Restart})
	}
	if err != nil {
		return nil, err
	}
	return s.releases.Compare(ctx, spec)
}

// DriftWorkload says which Deployments of a product are not ready.
func (a *Activities) DriftWorkload(ctx context.Context, in WaitInput) (items []drift.Item, err error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	of, err := component.Find(in.Env, in.Component)
	if err != nil {
		return nil, err
	}
	for _, name := range of.Deployments {
		ready, err := readiness.IsReady(ctx, c, of.Namespace, name)
		if failure.Is(err, failure.NotFound) {
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
	case objects.Gateway:
		wanted, err := gateway.Wanted(ctx, c, in.Env)
		if failure.Is(err, failure.Conflict) {
			return []drift.Item{{Object: "GatewayClass " + in.Env.Routing.GatewayClass, Wants: "of controller " + in.Env.Routing.ControllerName, Is: "of another", Next: err.Error()}}, nil
		}
		if err != nil {
			return nil, err
		}
		items, err := c.Compare(ctx, wanted)
		if err != nil {
			return nil, err
		}
		ofShared, err := a.driftOfShared(ctx, in.Input)
		return append(items, ofShared...), err
	case objects.Routes:
		return c.Compare(ctx, gateway.IdentityServerRoutes(in.Env, identity.Service(in.Env), keystore.CAConfigMap))
	}
	return absentObjects(ctx, c, objects.Refs(in.Set, in.Env))
}

func (a *Activities) driftOfShared(ctx context.Context, in Input) ([]drift.Item, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	var crds []*unstructured.Unstructured
	if in.Env.Routing.BringsCRDs() {
		if crds, err = s.charts.CRDs(ctx, in.Env.Routing.Chart); err != nil {
			return nil, err
		}
	}
	return s.shared().Drift(ctx, in.Env, crds)
}

func absentObjects(ctx context.Context, c *cluster.Client, all []cluster.Ref) (items []drift.Item, err error) {
	for _, ref := range all {
		_, found, err := c.Get(ctx, ref)
		if err != nil {
			return nil, err
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
	items, err := absentObjects(ctx, c, append(objects.Refs(objects.Credentials, in.Env), objects.Refs(objects.Certificates, in.Env)...))
	if err != nil {
		return nil, err
	}
	secrets, err := credentials.Read(ctx, c, in.Env)
	switch {
	case failure.Is(err, failure.NotFound):
		return items, nil
	case failure.Is(err, failure.InvalidConfig):
		return append(items, drift.Item{Object: "Secret " + in.Env.Namespace + "/" + in.Env.CredentialsSecret(), Wants: "passwords and keys", Is: "incomplete", Next: err.Error()}), nil
	case err != nil:
		return nil, err
	}
	findings, err := certificates.Store{Cluster: c, Env: in.Env, Password: secrets.Of(credentials.KeystorePassword)}.Check(ctx)
	if err != nil {
		return nil, err
	}
	for _, finding := range findings {
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
		return nil, p.explain(ctx, err)
	}
	object := "key manager " + in.Env.KeyManager.Name
	stored, err := p.apim.FindKeyManager(ctx, in.Env.KeyManager.Name)
	if err != nil {
		return nil, p.explain(ctx, err)
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
