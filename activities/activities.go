// Package activities are thin retryable adapters between workflows and the engines, one file per external system. Each looks
// before it acts, so that an attempt that follows a crash goes on where the last one stopped.
package activities

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/config/settings"
	"lockstep/internal/chart"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/limits"
	"lockstep/internal/portforward"
	"lockstep/internal/readiness"
	"lockstep/internal/release"
)

// Activities are the activities of all operations. Their methods are registered with a worker as they are named.
type Activities struct {
	settings settings.Settings
	clusters clusters.Served

	mu    sync.Mutex
	sites map[config.ClusterName]*known
}

// site is one cluster with its releases, as an activity uses it.
type site struct {
	limits   clusters.Cluster
	cluster  *cluster.Client
	dialer   *portforward.Dialer
	releases *release.Engine
	charts   *chart.Fetcher
}

// New makes the activities of a worker that serves the cluster default.
func New(settings settings.Settings) *Activities {
	return On(cmp.Or(settings.TaskQueue, clusters.DefaultQueue), settings)
}

// On makes the activities of a worker on a task queue: they get at the clusters that are served there, and at no others. Nothing is
// connected to before an activity needs it.
func On(queue string, settings settings.Settings) *Activities {
	return &Activities{settings: settings, clusters: clusters.Served{Options: settings.Known(), Names: settings.Serves, Queue: queue}, sites: map[config.ClusterName]*known{}}
}

// Scope says which environment an activity works on, and for which run.
type Scope struct {
	Environment string             `json:"environment"`
	Namespace   string             `json:"namespace"`
	Cluster     config.ClusterName `json:"cluster,omitempty"`
	Run         string             `json:"run"` // run id of the operation
}

// Input is what most activities get: the scope and the environment, without the chart values they do not need (see [component.Trim]).
type Input struct {
	Scope Scope              `json:"scope"`
	Env   config.Environment `json:"env"`
}

// served is what the worker's files say of a cluster that it serves.
func (a *Activities) served(name config.ClusterName) (clusters.Cluster, error) {
	c, err := a.clusters.Find(name)
	var wrong config.Problems
	if errors.As(err, &wrong) {
		return c, failure.Final(failure.InvalidConfig, "%w", err)
	}
	if err != nil { // the files, not what was asked for
		return c, &failure.Error{Kind: failure.Unavailable, Doing: "reading the worker's clusters", Cause: err, Next: "check the worker's setting clusters (LOCKSTEP_CLUSTERS), and the files in that folder", Retryable: true}
	}
	return c, nil
}

// site is a cluster with its releases, if the worker serves it: there is no other way to a cluster. Connections, discovery and locks
// are made once and kept; a kubeconfig that was written anew gets new connections.
func (a *Activities) site(name config.ClusterName) (*site, error) {
	limits, err := a.served(name)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.sites[limits.Name]
	if known == nil {
		known = a.newKnown()
	}
	if err := known.renew(cluster.Reach{Kubeconfig: limits.Kubeconfig, Context: limits.Context}); err != nil {
		return nil, err
	}
	known.charts.Store(a.fetcher(limits))
	known.limits.Store(&limits)
	a.sites[limits.Name] = known
	return &site{limits: limits, cluster: known.cluster.Load(), dialer: known.dialer, releases: known.releases, charts: known.charts.Load()}, nil
}

// fetcher fetches the charts that the cluster allows. What one cluster's mirrors gave is not in the cache of another.
func (a *Activities) fetcher(limits clusters.Cluster) *chart.Fetcher {
	return chart.New(chart.Options{Mirrors: limits.Mirrors, PlainHTTP: limits.PlainHTTP, Folder: limits.Charts, Own: limits.Owns, Allowed: limits.AllowsChart, CacheDir: a.cache(limits.Name, "charts")})
}

func (a *Activities) cache(name config.ClusterName, of string) string {
	return filepath.Join(a.settings.CacheDir, "clusters", string(name), of)
}

// known is a cluster as the worker knows it.
type known struct {
	source  string // of the access
	cluster atomic.Pointer[cluster.Client]
	charts  atomic.Pointer[chart.Fetcher]
	limits  atomic.Pointer[clusters.Cluster]
	dialer  *portforward.Dialer
	// releases stays when the access is renewed: its locks are those of the releases.
	releases *release.Engine
}

func (a *Activities) newKnown() *known {
	k := &known{}
	k.releases = release.New(release.Options{
		Getter: func(namespace string) genericclioptions.RESTClientGetter { return k.cluster.Load().Getter(namespace) },
		Charts: k.charts.Load,
		Allowed: func(chart config.Chart, namespace string, objects []*unstructured.Unstructured) error {
			return limits.Objects(*k.limits.Load(), chart, namespace, objects)
		},
		Diagnose: func(ctx context.Context, namespace, job string) error {
			return readiness.LookAtJob(ctx, k.cluster.Load(), namespace, job)
		},
	})
	return k
}

// renew connects anew if the access is not what it was. A file that is being written passes.
func (k *known) renew(access cluster.Reach) error {
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
		return failure.Transient(failure.Unavailable, "connecting anew to the cluster, because its kubeconfig has changed: %w", err)
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

func (a *Activities) cluster(name config.ClusterName) (*cluster.Client, error) {
	s, err := a.site(name)
	if err != nil {
		return nil, err
	}
	return s.cluster, nil
}
