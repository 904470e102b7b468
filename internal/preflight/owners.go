package preflight

import (
	"context"
	"maps"
	"slices"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/credentials"
	"lockstep/internal/failure"
	"lockstep/internal/objects"
	"lockstep/internal/release"
)

// checkReferences makes sure that the Secrets the environment names are there, with all the keys that it and its values use. In a
// namespace that is not there none can be.
func checkReferences(ctx context.Context, c *cluster.Client, env config.Environment) error {
	var checks []check
	named := map[string]string{"credentials.secret": env.Credentials.Secret, "certificates.ca": env.Certificates.CA,
		"certificates.gatewayTLS": env.Certificates.GatewayTLS}
	for _, field := range slices.Sorted(maps.Keys(named)) {
		if named[field] == "" {
			continue
		}
		checks = append(checks, func(ctx context.Context) error {
			if field == "credentials.secret" {
				_, err := credentials.Read(ctx, c, env)
				return failure.In(field, err)
			}
			namespace := env.Namespace
			if field == "certificates.ca" {
				namespace = env.CANamespace()
			}
			_, found, err := c.Secret(ctx, namespace, named[field])
			if err == nil && !found {
				return failure.Final(failure.NotFound, "%s: Secret %s/%s does not exist: create it, or leave the field out to have it made", field, namespace, named[field])
			}
			return err
		})
	}
	return all(ctx, checks)
}

// checkReleases makes sure that no release of somebody else has the names that the environment's releases get.
func checkReleases(ctx context.Context, e *release.Engine, env config.Environment) error {
	var checks []check
	for _, c := range component.Installed(env) {
		checks = append(checks, func(ctx context.Context) error {
			state, err := e.Look(ctx, c.Namespace, c.Release)
			if err != nil {
				return err
			}
			return c.CheckOwner(env.Name, state)
		})
	}
	return all(ctx, checks)
}

// checkOwners makes sure that the environment's Secrets are not those of another environment in the same namespace.
func checkOwners(ctx context.Context, c *cluster.Client, env config.Environment) error {
	var checks []check
	for _, ref := range append(objects.Refs(objects.Credentials, env), objects.Refs(objects.Certificates, env)...) {
		checks = append(checks, func(ctx context.Context) error {
			live, found, err := c.Get(ctx, ref)
			if err != nil || !found {
				return err
			}
			other := live.GetLabels()[cluster.EnvironmentLabel]
			if other == "" || other == env.Name {
				return nil
			}
			return failure.Final(failure.Conflict, "%s belongs to environment %q: give this environment a namespace of its own, or correct its name", ref, other)
		})
	}
	return all(ctx, checks)
}
