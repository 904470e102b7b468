// Package release installs, upgrades and removes Helm releases. Beside package chart, which gets
// the charts, it is the only one that imports helm.sh/helm.
//
// It looks first and then takes one action. It never waits for what a chart made to become ready (neither Wait nor
// Atomic): a Helm v3 action cannot be stopped once it runs, so waiting and undoing are steps of their own.
//
// # Cancelling
//
// [Engine.Apply], [Engine.Restore] and [Engine.Uninstall] return only when nothing of theirs still talks to the
// cluster. A cancelled context ends the waits (hooks, deletions, downloads, the wait for another action on the same
// release) at once; requests that are already under way are finished, and the release is recorded as failed, which the
// next Apply upgrades and the next Uninstall removes.
//
// # Where things are
//
// A file per verb: [Engine.Apply], [Engine.Restore], [Engine.Uninstall], [Engine.Look], [Engine.Compare], [Engine.Render], [Engine.Prune].
// What Helm keeps of a release is in package history, its objects are in package inventory, and hook Jobs are waited for by package hook.
//
// # Hooks
//
// Helm v3 does not post-render hooks: [Spec.PostRender] sees only the objects that are part of the release.
package release

import (
	"context"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"lockstep/config"
	"lockstep/internal/chart"
	"lockstep/internal/release/snapshot"
)

// DefaultTimeout bounds hooks and deletions where nothing else is said.
const DefaultTimeout = 5 * time.Minute

// Options are what an [Engine] works with.
type Options struct {
	// Getter gives access to the cluster with namespace as the default one. Not needed by Render.
	Getter func(namespace string) genericclioptions.RESTClientGetter
	// Charts gets the charts, as things are when they are needed. Default: without mirrors and cache, from any path.
	Charts func() *chart.Fetcher
	// Allowed refuses objects of a chart, its hooks included, that are not to be made. It is asked whenever a chart is rendered. Default: all may.
	Allowed func(chart config.Chart, namespace string, objects []*unstructured.Unstructured) error
	// Timeout bounds the waits of Uninstall and Restore, and Apply's hooks where [Spec.Timeout] is 0. Default
	// [DefaultTimeout].
	Timeout time.Duration
	// Diagnose says why the hook Job in namespace can never succeed, or nil while it still may. It is asked every other
	// second while the Job runs; an error ends the wait. Default: a look at the Job's pods.
	Diagnose func(ctx context.Context, namespace, job string) error
	// Log gets Helm's debug output. Default: none.
	Log func(format string, args ...any)
}

// Engine works on Helm releases. It is safe for concurrent use; actions on one release run one after the other.
type Engine struct {
	options Options
	locks   locks
	// open connects to a namespace; tests put their own in.
	open func(ctx context.Context, namespace string, progress func(string)) (*session, error)
}

// session is one action's connection to a namespace.
type session struct {
	*action.Configuration
	// waits is the part of the Kubernetes client that waits; nil where the client is a fake.
	waits *waiter
	// snapshots keep what was there before a run; nil where the client is a fake.
	snapshots *snapshot.Store
	// complaint is the last failure that Helm logs but leaves out of its error.
	complaint string
}

// New makes an engine. It does not connect to anything yet.
func New(options Options) *Engine {
	if options.Log == nil {
		options.Log = func(string, ...any) {}
	}
	if options.Charts == nil {
		plain := chart.New(chart.Options{Own: func(config.Chart) bool { return true }})
		options.Charts = func() *chart.Fetcher { return plain }
	}
	if options.Timeout == 0 {
		options.Timeout = DefaultTimeout
	}
	e := &Engine{options: options}
	e.open = e.connect
	return e
}

func orNothing(progress func(string)) func(string) {
	if progress == nil {
		return func(string) {}
	}
	return progress
}

// locks lets one action at a time work on a release. An attempt that was given up by its caller may still be finishing
// its last request: without the lock its successor would take that release for what a killed process left.
type locks struct {
	mutex sync.Mutex
	held  map[string]chan struct{}
}

// acquire waits until no other action of this process works on the release, or ctx ends.
func (l *locks) acquire(ctx context.Context, namespace, name string) (unlock func(), err error) {
	slot := l.slot(namespace + "/" + name)
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	case <-ctx.Done():
		return nil, explained("waiting for another action on release "+name, context.Cause(ctx))
	}
}

func (l *locks) slot(key string) chan struct{} {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.held == nil {
		l.held = map[string]chan struct{}{}
	}
	if l.held[key] == nil {
		l.held[key] = make(chan struct{}, 1)
	}
	return l.held[key]
}
