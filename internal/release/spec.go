package release

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
)

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
	// HookObjects names what the chart's hooks make beside the chart's objects.
	HookObjects []Object
	// Run is the operation, for which is kept what it found (see [Engine.Snapshot]).
	Run string
	// Before is what [Engine.Look] saw when the operation began. An unfinished revision that came since and is for the
	// same is carried on; one that was there already gets another on top, so that there is something to go back to.
	Before State
}

// Result is what Apply came to.
type Result struct {
	Revision                  int
	Changed                   bool // false: the release was already so
	ChartVersion, ChartDigest string
}
