package activities

import (
	"context"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"lockstep/config"
	"lockstep/internal/attempt"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/readiness"
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
	c, err := component.Find(in.Env, in.Component)
	if err != nil {
		return classify(err)
	}
	options := append(described(c), redact)
	names := c.Deployments
	if len(in.Deployments) > 0 {
		names = in.Deployments
	}
	group, ctx := errgroup.WithContext(ctx) // the first that cannot become ready ends the wait
	for _, name := range names {
		group.Go(func() error { return readiness.Deployment(ctx, s.cluster, c.Namespace, name, progress, options...) })
	}
	return classifyWait(group.Wait())
}

// described says where the environment file says what a component's Deployments are.
func described(c component.Component) []readiness.Option {
	return []readiness.Option{readiness.ValuesAt(c.DeploymentsField), readiness.LimitedBy(c.TimeoutField, c.Timeout)}
}

// minSecret leaves texts alone that are too short for a secret: they may be a part of any word.
const minSecret = 4

// redacting keeps the environment's secrets out of the log lines that a diagnosis quotes.
func redacting(ctx context.Context, c *cluster.Client, env config.Environment) (readiness.Option, error) {
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
	return readiness.Redact(strings.NewReplacer(pairs...).Replace), nil
}

// progress gives the function by which an activity says what it is doing.
func progress(ctx context.Context) func(string) { return attempt.Progress(ctx) }
