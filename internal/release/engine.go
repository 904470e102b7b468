package release

import (
	"context"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"lockstep/config"
	"lockstep/internal/chart"
)

// DefaultTimeout bounds hooks and deletions where nothing else is said.
const DefaultTimeout = 5 * time.Minute

// MaxHistory is how many revisions of a release [Engine.Prune] leaves.
const MaxHistory = 10

// Options are what an [Engine] works with.
type Options struct {
	// Getter gives access to the cluster with namespace as the default one. Not needed by Render.
	Getter func(namespace string) genericclioptions.RESTClientGetter
	// Charts gets the charts. Default: without mirrors and cache.
	Charts *chart.Fetcher
	// Timeout bounds the waits of Uninstall and Restore, and Apply's hooks where [Spec.Timeout] is 0. Default
	// [DefaultTimeout].
	Timeout time.Duration
	// Diagnose says why the hook Job in namespace can never succeed, or nil while it still may. It is asked every other
	// second while the Job runs; an error ends the wait. Default: a look at the Job's pods.
	Diagnose func(ctx context.Context, namespace, job string) error
	// Log gets Helm's debug output. Default: none.
	Log func(format string, args ...any)
}

// Spec is a release as it should be.
type Spec struct {
	Name, Namespace string
	Chart           config.Chart
	// Values go over the chart's own. They end in the cluster's release record: they never hold a secret.
	Values map[string]any
	// PostRender mends the rendered objects in place before they reach the cluster. It runs more than once and must give
	// the same result for the same objects. Nil: none.
	PostRender func([]*unstructured.Unstructured) error
	// CreateNamespace makes the namespace when the release is installed.
	CreateNamespace bool
	// Timeout bounds each hook. Default: [Options.Timeout].
	Timeout time.Duration
	// Owner is whose release it is, at most 63 letters, digits and dashes. [State.Owner] tells it.
	Owner string
	// Leaves names what the chart's hooks make beside the chart's objects.
	Leaves []Object
	// Run is the operation, for which is kept what it found (see [Former]).
	Run string
	// Before is what [Engine.Look] saw when the operation began. An unfinished revision that came since and is for the
	// same is carried on; one that was there already gets another on top, so that there is something to go back to.
	Before State
}

// State is a release as it is.
type State struct {
	Exists      bool // false also for what an uninstallation left; the other fields then say what that is
	Revision    int
	Status      string // Helm's: deployed, failed, pending-upgrade, …
	Chart       string // chart name
	Version     string // chart version
	Digest      string // sha256:<hex> of the chart; empty if no revision of the release was made by Lockstep
	Fingerprint string // what Lockstep asked for last; empty if no revision of the release was made by Lockstep
	Owner       string // [Spec.Owner] of its last revision
	// Deployed is the revision that Helm has marked as deployed, if that is not this one; 0 if none is.
	Deployed int `json:",omitempty"`
	// Missing names the objects of this revision that were not in the cluster, separated by commas.
	Missing string `json:",omitempty"`
	// Workloads names the Deployments of this revision that were in the cluster, separated by commas.
	Workloads string `json:",omitempty"`
	// Behind names the objects that an unfinished revision had not come to: they were as Deployed has them.
	Behind string `json:",omitempty"`
	// Installed is when its first revision was made, in RFC 3339. Revisions count from 1 again after an uninstallation:
	// only this tells two installations apart.
	Installed string
}

// Deployments are the names in Workloads.
func (s State) Deployments() []string {
	if s.Workloads == "" {
		return nil
	}
	return strings.Split(s.Workloads, ",")
}

// Result is what Apply came to.
type Result struct {
	Revision                  int
	Changed                   bool // false: the release was already so
	ChartVersion, ChartDigest string
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
	// formers keep what was there before a run; nil where the client is a fake.
	formers *formers
	// complaint is the last failure that Helm logs but leaves out of its error.
	complaint string
}

// New makes an engine. It does not connect to anything yet.
func New(options Options) *Engine {
	if options.Log == nil {
		options.Log = func(string, ...any) {}
	}
	if options.Charts == nil {
		options.Charts = chart.New(chart.Options{})
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
