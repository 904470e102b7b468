package activities

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/cluster"
	"lockstep/internal/identity"
)

// WaitInput says what to wait for.
type WaitInput struct {
	Input
	Component string `json:"component"`
	// Deployments are waited for in place of those that the environment's file makes: an earlier file may have made others.
	Deployments []string `json:"deployments,omitempty"`
}

// WaitWorkload waits until the pods of a product are ready and old ones are gone. It ends early, with a diagnosis, as soon as they
// cannot become ready.
func (a *Activities) WaitWorkload(ctx context.Context, in WaitInput) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	progress := progress(ctx)
	redact, err := redacting(ctx, s.cluster, in.Env)
	if err != nil {
		return err
	}
	names, options := workload(in.Env, in.Component)
	options = append(options, redact)
	if len(in.Deployments) > 0 {
		names = in.Deployments
	}
	group, ctx := errgroup.WithContext(ctx) // the first that cannot become ready ends the wait
	for _, name := range names {
		group.Go(func() error { return s.cluster.WaitDeployment(ctx, in.Env.Namespace, name, progress, options...) })
	}
	return classifyWait(group.Wait())
}

// workload names a product's Deployments and where the environment file says what they are.
func workload(env config.Environment, component string) (names []string, where []cluster.WaitOption) {
	if component == APIManager {
		return apim.Deployments(env.APIManager.Release, env.APIManager.Replicas), []cluster.WaitOption{
			cluster.ValuesAt("apiManager.values.wso2.deployment"), cluster.LimitedBy("timeouts.apiManager", time.Duration(env.Timeouts.APIManager))}
	}
	return []string{identity.Fullname(env.IdentityServer.Release)}, []cluster.WaitOption{
		cluster.ValuesAt("identityServer.values.deployment"), cluster.LimitedBy("timeouts.identityServer", time.Duration(env.Timeouts.IdentityServer))}
}

// minSecret leaves texts alone that are too short for a secret: they may be a part of any word.
const minSecret = 4

// redacting keeps the environment's secrets out of the log lines that a diagnosis quotes.
func redacting(ctx context.Context, c *cluster.Client, env config.Environment) (cluster.WaitOption, error) {
	secrets, err := credentials(ctx, c, env)
	if err != nil {
		return nil, err
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(secrets)) { // the user's own too
		if len(secrets[key]) >= minSecret {
			pairs = append(pairs, string(secrets[key]), "…")
		}
	}
	return cluster.Redact(strings.NewReplacer(pairs...).Replace), nil
}
