// Package activities are thin retryable adapters between workflows and the engines, one file per external system. Each looks
// before it acts, so that an attempt that follows a crash goes on where the last one stopped.
package activities

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"lockstep/config"
	"lockstep/config/settings"
	"lockstep/internal/chart"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/portforward"
	"lockstep/internal/readiness"
	"lockstep/internal/release"
)

// Names of components, as inputs have them.
const (
	GatewayController = component.Gateway
	IdentityServer    = component.IdentityServer
	APIManager        = component.APIManager
)

// Types of the application errors that activities end with. They are the kinds of failures.
const (
	TypeInvalidConfig = string(failure.InvalidConfig)
	TypeUnauthorized  = string(failure.Unauthorized)
	TypeNotFound      = string(failure.NotFound)
	TypeConflict      = string(failure.Conflict)
	TypeUnavailable   = string(failure.Unavailable)
	TypeNotReady      = string(failure.NotReady)
	TypeRefused       = string(failure.Refused)
)

// Activities are the activities of all operations. Their methods are registered with a worker as they are named.
type Activities struct {
	settings settings.Settings
	charts   *chart.Fetcher

	mu    sync.Mutex
	sites map[config.Cluster]*known
}

// site is one cluster with its releases, as an activity uses it.
type site struct {
	cluster  *cluster.Client
	dialer   *portforward.Dialer
	releases *release.Engine
	charts   *chart.Fetcher
}

// New makes the activities of a worker. Nothing is connected to before an activity needs it.
func New(settings settings.Settings) *Activities {
	charts := chart.New(chart.Options{Mirrors: settings.Mirrors, CacheDir: filepath.Join(settings.CacheDir, "charts")})
	return &Activities{settings: settings, charts: charts, sites: map[config.Cluster]*known{}}
}

// Scope says which environment an activity works on, and for which run.
type Scope struct {
	Environment string         `json:"environment"`
	Namespace   string         `json:"namespace"`
	Cluster     config.Cluster `json:"cluster,omitzero"`
	Run         string         `json:"run"` // run id of the operation
}

// Input is what most activities get: the scope and the environment, without the chart values they do not need (see [component.Trim]).
type Input struct {
	Scope Scope              `json:"scope"`
	Env   config.Environment `json:"env"`
}

// site is a cluster with its releases. Connections, discovery and locks are made once and kept; a kubeconfig that was written anew
// gets new connections.
func (a *Activities) site(access config.Cluster) (*site, error) {
	if access.Kubeconfig == "" {
		access.Kubeconfig = a.settings.Kubeconfig
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.sites[access]
	if known == nil {
		known = a.newKnown()
	}
	if err := known.renew(access); err != nil {
		return nil, err
	}
	a.sites[access] = known
	return &site{cluster: known.cluster.Load(), dialer: known.dialer, releases: known.releases, charts: a.charts}, nil
}

// known is a cluster as the worker knows it.
type known struct {
	source  string // of the access
	cluster atomic.Pointer[cluster.Client]
	dialer  *portforward.Dialer
	// releases stays when the access is renewed: its locks are those of the releases.
	releases *release.Engine
}

func (a *Activities) newKnown() *known {
	k := &known{}
	k.releases = release.New(release.Options{
		Getter: func(namespace string) genericclioptions.RESTClientGetter { return k.cluster.Load().Getter(namespace) },
		Charts: a.charts,
		Diagnose: func(ctx context.Context, namespace, job string) error {
			return readiness.LookAtJob(ctx, k.cluster.Load(), namespace, job)
		},
	})
	return k
}

// renew connects anew if the access is not what it was. A file that is being written passes.
func (k *known) renew(access config.Cluster) error {
	before := k.cluster.Load()
	source, err := cluster.Source(access)
	if err == nil && before != nil && source == k.source {
		return nil
	}
	var c *cluster.Client
	if err == nil {
		c, err = cluster.New(access)
	}
	switch {
	case err != nil && before != nil:
		return failure.Transient(failure.Unavailable, "renewing the access to the cluster, which was changed: %w", err)
	case err != nil:
		return err
	case before != nil:
		k.dialer.Retire()
	}
	k.cluster.Store(c)
	k.dialer = portforward.New(c)
	k.source = source
	return nil
}

func (a *Activities) cluster(access config.Cluster) (*cluster.Client, error) {
	s, err := a.site(access)
	if err != nil {
		return nil, err
	}
	return s.cluster, nil
}
