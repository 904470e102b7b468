package activities

import (
	"cmp"
	"context"
	"errors"
	"path"
	"sync"
	"time"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/config/environments"
	"lockstep/config/validation"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/preflight"
	"lockstep/internal/redact"
	"lockstep/internal/tenants"
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
// the cluster's limits hold. All problems are reported at once, as [failure.InvalidConfig].
func (a *Activities) CheckEnvironment(ctx context.Context, in CheckInput) (config.Environment, error) {
	env, err := in.Environment.Resolve(a.settings.Environments, in.Overrides)
	var wrong config.Problems
	if errors.As(err, &wrong) {
		return env, failure.Final(failure.InvalidConfig, "%w", err)
	}
	if err != nil { // the folder, not what is in it
		return env, &failure.Error{Kind: failure.Unavailable, Cause: err, Next: "check the worker's setting environments (LOCKSTEP_ENVIRONMENTS), and the files in that folder"}
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
		return env, failure.Final(failure.InvalidConfig, "environment %q on cluster %q: %w", env.Name, limits.Name, found.Err())
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
	if failure.Is(err, failure.Unauthorized) { // preflight, which comes later, would say what else the account may not
		err = cmp.Or(preflight.Permissions(ctx, s.cluster, env), err)
	}
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

// DescribedCluster is what a worker says of a cluster that it serves.
type DescribedCluster struct {
	Name string `json:"name"`
	tenants.Found
	// Unreachable is why it is not known what there is, or not all of it.
	Unreachable string `json:"unreachable,omitempty"`
}

// DescribedClusters are all clusters that a worker knows of.
type DescribedClusters struct {
	Served []DescribedCluster `json:"served"`
	// Queues are the task queues of all clusters that it has files for, by name.
	Queues map[string]string `json:"queues"`
}

// describeTimeout bounds the look at one cluster.
const describeTimeout = 10 * time.Second

// DescribeClusters looks at the clusters that the worker serves on its task queue, at all of them at once. One that cannot be reached is
// said to be so. Nothing is changed.
func (a *Activities) DescribeClusters(ctx context.Context, _ struct{}) (DescribedClusters, error) {
	set, err := clusters.Load(a.clusters.Options)
	if err != nil {
		return DescribedClusters{}, &failure.Error{Kind: failure.Unavailable, Doing: "reading the worker's clusters", Cause: err, Next: "check the worker's setting clusters (LOCKSTEP_CLUSTERS), and the files in that folder"}
	}
	served := a.clusters.On(set)
	described := DescribedClusters{Served: make([]DescribedCluster, len(served)), Queues: map[string]string{}}
	for _, c := range set.All() {
		described.Queues[string(c.Name)] = c.TaskQueue
	}
	var looking sync.WaitGroup
	for i, c := range served {
		looking.Go(func() { described.Served[i] = a.describe(ctx, c) })
	}
	looking.Wait()
	return described, nil
}

func (a *Activities) describe(ctx context.Context, c clusters.Cluster) DescribedCluster {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	described := DescribedCluster{Name: string(c.Name)}
	s, err := a.site(c.Name)
	if err == nil {
		described.Found, err = tenants.Look(ctx, s.cluster, s.releases, c.Gateway)
	}
	if err != nil {
		described.Unreachable = redact.Text(ctx, err.Error())
	}
	return described
}
