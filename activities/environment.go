package activities

import (
	"context"
	"errors"
	"path"
	"time"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/internal/cluster"
	"lockstep/config/validation"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
)

// CheckInput is an environment as an operation was given it.
type CheckInput struct {
	Environment environments.Reference `json:"environment"`
	Overrides   config.Values          `json:"overrides,omitempty"`
	// GatewayChart is the chart that a running operation works with, if it goes on in this environment: its version stays where nobody says one.
	GatewayChart config.Chart `json:"gatewayChart,omitzero"`
}

// CheckEnvironment reads an environment given by name from the worker's folder of environments, puts the overrides onto it,
// completes it with the defaults and with what is the cluster's, and validates it. No operation begins or goes on without: this is where
// the cluster's limits hold. All problems are reported at once, as TypeInvalidConfig.
func (a *Activities) CheckEnvironment(ctx context.Context, in CheckInput) (config.Environment, error) {
	env, err := in.Environment.Resolve(a.settings.Environments, in.Overrides)
	var wrong config.Problems
	if errors.As(err, &wrong) {
		return env, failure.Final(failure.InvalidConfig, "%w", err)
	}
	if err != nil { // the folder, not what is in it
		return env, &failure.Error{Kind: failure.Unavailable, Cause: err, Next: "check the worker's setting environments, and that folder"}
	}
	limits, err := a.served(env.Cluster)
	if err != nil {
		return env, err
	}
	env.Cluster, env.Routing.Controller = limits.Name, limits.Gateway // whatever the input said of it
	found := limits.Check(env)
	if errors.As(validation.Check(env), &wrong) {
		found = append(found, wrong...)
	}
	if len(found) > 0 {
		return env, failure.Final(failure.InvalidConfig, "environment %q on cluster %q: %w", env.Name, limits.Name, found)
	}
	if r := &env.Routing; r.Installs() && r.Chart.OCI == config.DefaultGatewayChart && r.Chart.Version == "" {
		if r.Chart.OCI == in.GatewayChart.OCI {
			r.Chart.Version = in.GatewayChart.Version
		}
		if r.Chart.Version == "" {
			r.Chart.Version, err = a.gatewayVersion(ctx, env)
		}
	}
	return env, err
}

// gatewayVersion is the version of the gateway's chart where nobody says one: that of the installed controller, else the newest that supports
// the cluster. A controller that cannot be looked at might be upgraded by a guess, for all who use it: then there is no version. Where there
// is no cluster to ask, that is for the next steps to say.
func (a *Activities) gatewayVersion(ctx context.Context, env config.Environment) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s, err := a.site(env.Cluster)
	switch {
	case err != nil && failure.IsRetryable(err):
		return "", err
	case err != nil:
		return gateway.Newest(cluster.Version{}).Version, nil
	}
	r := env.Routing
	state, err := s.releases.Look(ctx, r.Namespace, r.Release)
	if err != nil {
		return "", err
	}
	if state.Exists && state.Chart == path.Base(r.Chart.OCI) && state.Version != "" {
		return state.Version, nil
	}
	version, err := s.cluster.Version(ctx)
	if err != nil {
		return "", err
	}
	return gateway.Newest(version).Version, nil
}
