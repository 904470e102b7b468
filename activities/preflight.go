package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"lockstep/config"
	"lockstep/config/validation"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/gateway"
	"lockstep/internal/release"
)

// Preflight is what the cluster, the chart repositories and the registry said before anything was touched.
type Preflight struct {
	Kubernetes      string   `json:"kubernetes"`
	APIManagerImage string   `json:"apiManagerImage"` // repository@digest
	Warnings        []string `json:"warnings,omitempty"`
	Summary         string   `json:"summary"`
}

// Preflight checks all that the environment file cannot tell: every problem is reported, not the first.
func (a *Activities) Preflight(ctx context.Context, in Input) (Preflight, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return Preflight{}, err
	}
	version, err := s.cluster.Version(ctx)
	if err != nil {
		return Preflight{}, classifyCluster(err) // nothing else can be asked
	}
	found := Preflight{Kubernetes: version.String(), Warnings: texts(validation.Warnings(in.Env))}
	denied := checkPermissions(ctx, s.cluster, in.Env)
	checks := []func(context.Context) error{
		func(ctx context.Context) error { return denied },
		func(ctx context.Context) error { return checkVersion(version, in.Env, &found) },
		func(ctx context.Context) error { return checkCharts(ctx, s.releases, in.Env) },
		func(ctx context.Context) error { return a.checkRegistry(ctx, in.Env, &found) },
	}
	inCluster := []func(context.Context) error{
		func(ctx context.Context) error { return checkGatewayKinds(ctx, s, in.Env) },
		func(ctx context.Context) error { return checkController(ctx, s, in.Env) },
		func(ctx context.Context) error { return checkReferences(ctx, s.cluster, in.Env) },
		func(ctx context.Context) error { return checkReleases(ctx, s.releases, in.Env) },
		func(ctx context.Context) error { return checkOwners(ctx, s.cluster, in.Env) },
	}
	if denied == nil { // otherwise each of them would say so again
		checks = append(checks, inCluster...)
	}
	if err := all(ctx, checks); err != nil {
		return Preflight{}, err
	}
	found.Summary = "Kubernetes " + found.Kubernetes
	return found, nil
}

func texts(problems config.Problems) []string {
	var all []string
	for _, problem := range problems {
		all = append(all, problem.String())
	}
	return all
}

// all runs the checks side by side and joins what they found. If trying again may help all of it, the error is worth a retry.
func all(ctx context.Context, checks []func(context.Context) error) error {
	errs := make([]error, len(checks))
	var g errgroup.Group
	for i, check := range checks {
		g.Go(func() error {
			errs[i] = classify(check(ctx))
			return nil
		})
	}
	_ = g.Wait()
	return joined(errs)
}

func joined(errs []error) error {
	var texts []string
	kind, final := "", false
	for _, err := range errs {
		var app *temporal.ApplicationError
		switch {
		case err == nil:
			continue
		case !errors.As(err, &app):
			return err // the end of the context
		}
		texts = append(texts, app.Message())
		if kind == "" || app.NonRetryable() && !final {
			kind = app.Type()
		}
		final = final || app.NonRetryable()
	}
	switch {
	case len(texts) == 0:
		return nil
	case final:
		return failure(kind, strings.Join(texts, "\n"))
	default:
		return passing(kind, strings.Join(texts, "\n"))
	}
}

// checkVersion holds the cluster against the range that the gateway chart supports.
func checkVersion(version cluster.Version, env config.Environment, found *Preflight) error {
	lowest, highest, known := gateway.SupportedKubernetes(env.Routing.Chart.Version)
	if !env.Routing.Installs() || !known {
		return nil
	}
	switch {
	case older(version, lowest):
		return failure(TypeInvalidConfig, fmt.Sprintf("Kubernetes %s is older than the gateway chart %s supports (v%s to v%s): upgrade the cluster, or set "+
			"routing.install to false and use a gateway that fits", version, env.Routing.Chart.Version, lowest, highest))
	case !older(version, highest) && version.String() != "v"+highest:
		found.Warnings = append(found.Warnings, fmt.Sprintf("Kubernetes %s is newer than the gateway chart %s was tested with (v%s to v%s)",
			version, env.Routing.Chart.Version, lowest, highest))
	}
	return nil
}

// older says whether version comes before other, as "1.32".
func older(version cluster.Version, other string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(other, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return version.Major < major || version.Major == major && version.Minor < minor
}

// checkCharts renders every chart with the environment's values: what a chart refuses is known before anything is touched.
func checkCharts(ctx context.Context, e *release.Engine, env config.Environment) error {
	// Stand-ins for what later steps find out; of the image only the form of its reference matters here.
	const digest = "@sha256:0000000000000000000000000000000000000000000000000000000000000000"
	var checks []func(context.Context) error
	for _, c := range component.Installed(env) {
		checks = append(checks, func(ctx context.Context) error {
			spec, err := composed(c, ApplyReleaseInput{Input: Input{Env: env}, Image: Image{Reference: env.Image.Base + digest, Version: "0.0.0"},
				APIManagerImage: env.APIManager.Image + digest}, component.Pods{Checksum: "preflight"})
			if err == nil {
				_, err = e.Render(ctx, spec)
			}
			return prefix(c.Field, classifyRelease(err))
		})
	}
	return all(ctx, checks)
}

// checkRegistry finds base and API Manager images and tries the right to push, leaving nothing.
func (a *Activities) checkRegistry(ctx context.Context, env config.Environment, found *Preflight) error {
	b, err := a.builder(ctx, env)
	if err != nil {
		return err
	}
	plain := env.Image.PlainHTTP
	return all(ctx, []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := b.Resolve(ctx, "image.base", env.Image.Base, plain)
			return err
		},
		func(ctx context.Context) (err error) {
			found.APIManagerImage, err = b.Resolve(ctx, "apiManager.image", env.APIManager.Image, plain)
			return err
		},
		func(ctx context.Context) error {
			return b.Writable(ctx, env.Image.Target, plain)
		},
	})
}

// checkGatewayKinds makes sure that the kinds which API Manager's chart and the gateway need are there, or will be: the policy
// create leaves kinds alone that are there in an older version.
func checkGatewayKinds(ctx context.Context, s *site, env config.Environment) error {
	missing, err := s.cluster.Missing(ctx, gateway.Needs(env))
	if err != nil || len(missing) == 0 {
		return classifyCluster(err)
	}
	if !env.Routing.Installs() || env.Routing.CRDs == config.CRDsSkip {
		return classifyCluster(gateway.Unserved(env, missing))
	}
	if env.Routing.CRDs == config.CRDsCreateReplace {
		return nil
	}
	crds, err := s.charts.CRDs(ctx, env.Routing.Chart)
	if err != nil {
		return classifyRelease(err)
	}
	old, err := present(ctx, s.cluster, crds, missing)
	if err != nil {
		return classifyCluster(err)
	}
	return classifyCluster(gateway.Unserved(env, old))
}

// present are those of the kinds that the cluster has a definition of.
func present(ctx context.Context, c *cluster.Client, crds []*unstructured.Unstructured, kinds []schema.GroupVersionKind) ([]schema.GroupVersionKind, error) {
	var there []schema.GroupVersionKind
	for _, crd := range crds {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
		i := slices.IndexFunc(kinds, func(gvk schema.GroupVersionKind) bool { return gvk.Group == group && gvk.Kind == kind })
		if i < 0 {
			continue
		}
		_, found, err := c.Get(ctx, cluster.RefOf(crd))
		if err != nil {
			return nil, err
		}
		if found {
			there = append(there, kinds[i])
		}
	}
	return there, nil
}

// checkReferences makes sure that the Secrets the environment names are there, with all the keys that it and its values use. In a namespace that is not there none can be.
func checkReferences(ctx context.Context, c *cluster.Client, env config.Environment) error {
	var checks []func(context.Context) error
	named := map[string]string{"credentials.secret": env.Credentials.Secret, "certificates.ca": env.Certificates.CA,
		"certificates.gatewayTLS": env.Certificates.GatewayTLS}
	for _, field := range slices.Sorted(maps.Keys(named)) {
		if named[field] == "" {
			continue
		}
		checks = append(checks, func(ctx context.Context) error {
			if field == "credentials.secret" {
				_, err := credentials(ctx, c, env)
				return prefix(field, err)
			}
			_, found, err := c.Secret(ctx, env.Namespace, named[field])
			if err == nil && !found {
				return failure(TypeNotFound, fmt.Sprintf("%s: Secret %s/%s does not exist: create it, or leave the field out to have it made", field, env.Namespace, named[field]))
			}
			return classifyCluster(err)
		})
	}
	return all(ctx, checks)
}

// checkReleases makes sure that no release of somebody else has the names that the environment's releases get.
func checkReleases(ctx context.Context, e *release.Engine, env config.Environment) error {
	var checks []func(context.Context) error
	for _, c := range component.Installed(env) {
		checks = append(checks, func(ctx context.Context) error {
			state, err := e.Look(ctx, c.Namespace, c.Release)
			if err != nil {
				return classifyRelease(err)
			}
			return ours(env, c, state)
		})
	}
	return all(ctx, checks)
}

// checkOwners makes sure that the environment's Secrets are not those of another environment in the same namespace.
func checkOwners(ctx context.Context, c *cluster.Client, env config.Environment) error {
	var checks []func(context.Context) error
	for _, ref := range append(refs(CredentialObjects, env), refs(CertificateObjects, env)...) {
		checks = append(checks, func(ctx context.Context) error {
			live, found, err := c.Get(ctx, ref)
			if err != nil || !found {
				return classifyCluster(err)
			}
			other := live.GetLabels()[cluster.EnvironmentLabel]
			if other == "" || other == env.Name {
				return nil
			}
			return failure(TypeConflict, fmt.Sprintf("%s belongs to environment %q: give this one a namespace of its own, or correct its name", ref, other))
		})
	}
	return all(ctx, checks)
}
