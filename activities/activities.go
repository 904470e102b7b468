// Package activities are thin retryable adapters between workflows and the engines, one file per external system. Each looks
// before it acts, so that an attempt that follows a crash goes on where the last one stopped.
package activities

import (
	"context"
	"path/filepath"
	"sync"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/release"
)

// Components are the three Helm releases of an environment.
const (
	GatewayController = "gateway"
	IdentityServer    = "identity-server"
	APIManager        = "api-manager"
)

// Activities are the activities of all operations. Their methods are registered with a worker as they are named.
type Activities struct {
	settings config.Settings

	mu    sync.Mutex
	sites map[config.Cluster]*site
}

// site is one cluster with its releases.
type site struct {
	cluster  *cluster.Client
	releases *release.Engine
}

// New makes the activities of a worker. Nothing is connected to before an activity needs it.
func New(settings config.Settings) *Activities {
	return &Activities{settings: settings, sites: map[config.Cluster]*site{}}
}

// Scope says which environment an activity works on, and for which run.
type Scope struct {
	Environment string         `json:"environment"`
	Namespace   string         `json:"namespace"`
	Cluster     config.Cluster `json:"cluster,omitzero"`
	Run         string         `json:"run"` // run id of the operation
}

// Input is what most activities get: the scope and the environment, without the chart values they do not need (see [Trim]).
type Input struct {
	Scope Scope              `json:"scope"`
	Env   config.Environment `json:"env"`
}

// Trim leaves the chart values of one component in the environment; component "" leaves none.
func Trim(env config.Environment, component string) config.Environment {
	if component != GatewayController {
		env.Routing.Values = nil
	}
	if component != IdentityServer {
		env.IdentityServer.Values = nil
	}
	if component != APIManager {
		env.APIManager.Values = nil
	}
	return env
}

// site is made once per cluster and kept: its connections, its discovery and its locks are shared.
func (a *Activities) site(access config.Cluster) (*site, error) {
	if access.Kubeconfig == "" {
		access.Kubeconfig = a.settings.Kubeconfig
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, ok := a.sites[access]; ok {
		return s, nil
	}
	c, err := cluster.New(access)
	if err != nil {
		return nil, classifyCluster(err)
	}
	s := &site{cluster: c, releases: release.New(release.Options{
		Getter: c.Getter, Mirrors: a.settings.Mirrors, CacheDir: filepath.Join(a.settings.CacheDir, "charts"),
		Diagnose: func(ctx context.Context, namespace, job string) error { return c.DiagnoseJob(ctx, namespace, job) },
	})}
	a.sites[access] = s
	return s, nil
}

func (a *Activities) cluster(access config.Cluster) (*cluster.Client, error) {
	s, err := a.site(access)
	if err != nil {
		return nil, err
	}
	return s.cluster, nil
}
