package release

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/chart"
	"lockstep/internal/release/history"
	"lockstep/internal/release/snapshot"
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
	HookObjects []snapshot.Object
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
	// Repaired are objects, as "Deployment apim/is", that somebody had removed or changed by hand. They are as the chart says again.
	Repaired []string
	// ChartManifest is the digest of the chart's manifest, if it came from a registry.
	ChartManifest string
}

// Apply makes a release what spec says: it installs, upgrades, or leaves alone what is already so and whole. It does
// not wait for the objects to become ready, and it never touches the chart's CRDs. What an attempt before it left
// unfinished it carries on under the same revision (see [Spec.Before]). An object in the way that does not belong to the
// release is a [Conflict], and so are the history of a release that somebody uninstalled and kept, and a release on which
// somebody else is at work.
func (e *Engine) Apply(ctx context.Context, spec Spec, progress func(string)) (Result, error) {
	progress = orNothing(progress)
	unlock, err := e.locks.acquire(ctx, spec.Namespace, spec.Name)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	s, err := e.open(ctx, spec.Namespace, progress)
	if err != nil {
		return Result{}, err
	}
	p, err := e.prepare(ctx, s, spec)
	if err != nil {
		return Result{}, err
	}
	if err := s.readSnapshot(ctx, spec.key()); err != nil {
		return Result{}, err
	}
	return e.carryOut(ctx, s, p, progress)
}

// prepared is a spec with all that follows from it.
type prepared struct {
	Spec
	chart  chart.Chart
	values map[string]any
	labels map[string]string
	// manifest is what a first installation would make.
	manifest string
}

func (e *Engine) prepare(ctx context.Context, s *session, spec Spec) (prepared, error) {
	got, err := e.options.Charts().Fetch(ctx, spec.Chart)
	if err != nil {
		return prepared{}, err
	}
	values, err := normal(spec.Values)
	if err != nil {
		return prepared{}, err
	}
	manifest, err := e.render(got, spec, s.Capabilities)
	if err != nil {
		return prepared{}, err
	}
	print, err := fingerprint(got.Digest, values, manifest)
	if err != nil {
		return prepared{}, err
	}
	if spec.Timeout == 0 {
		spec.Timeout = e.options.Timeout
	}
	return prepared{spec, got, values, history.Labels(spec.Owner, print, got.Digest), manifest}, nil
}

// fingerprint is a digest of all that a release is made from. Two equal ones mean that an upgrade would change nothing.
// A chart that renders random values never has the same twice.
func fingerprint(chartDigest string, values map[string]any, manifest string) (string, error) {
	canonical, err := json.Marshal([]any{chartDigest, values, manifest}) // map keys come out sorted
	if err != nil {
		return "", final(RenderFailed, "correct the values", "reading values: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return history.Short(sum[:]), nil
}

func (e *Engine) carryOut(ctx context.Context, s *session, p prepared, progress func(string)) (Result, error) {
	todo, err := s.plan(p, progress)
	if err != nil {
		return Result{}, err
	}
	result := Result{Changed: true, ChartVersion: p.chart.Metadata.Version, ChartDigest: p.chart.Digest, ChartManifest: p.chart.Manifest}
	last := todo.history.Last()
	if todo.step == nothing {
		progress(fmt.Sprintf("release %s is up to date: revision %d", p.Name, last.Version))
		result.Changed, result.Revision = false, last.Version
		return result, nil
	}
	if todo.step == reinstall {
		if err := e.remove(ctx, s, todo.history, progress); err != nil {
			return Result{}, err
		}
		todo = plan{step: install}
	}
	if err := ctx.Err(); err != nil {
		return Result{}, explained("applying release "+p.Name, err)
	}
	progress(fmt.Sprintf("%s of release %s: chart %s %s", todo.step, p.Name, p.chart.Name(), p.chart.Metadata.Version))
	if len(todo.repairs) > 0 {
		progress("removed or changed by hand, and put back: " + strings.Join(todo.repairs, ", "))
	}
	done, err := s.run(ctx, todo, p)
	if err != nil {
		return Result{}, s.explain("applying release "+p.Name, err)
	}
	result.Revision, result.Repaired = done.Version, todo.repairs
	return result, nil
}

// run carries out an install or upgrade. Helm gets no context on purpose: it would go on in the background.
func (s *session) run(ctx context.Context, todo plan, p prepared) (done *history.Revision, err error) {
	if err := s.takeInventory(todo, p); err != nil {
		return nil, err
	}
	recording := history.Recording{Owner: p.Owner, Replaces: todo.taken, First: s.takeSnapshot(ctx, p, todo)}
	err = s.record(recording, func(cfg *action.Configuration) (err error) {
		if todo.step == upgrade {
			done, err = upgrading(cfg, p).Run(p.Name, p.chart.Chart, p.values)
		} else {
			done, err = installing(cfg, p, todo.step == replace).Run(p.chart.Chart, p.values)
		}
		return err
	})
	return done, err
}

// takeInventory finds what the action would leave behind. Installations do not update: what is in nobody's way goes before.
func (s *session) takeInventory(todo plan, p prepared) (err error) {
	unfinished := todo.history.SinceDeployed()
	if todo.step == upgrade {
		if len(unfinished) == len(todo.history) { // none is deployed: Helm starts from the last
			unfinished = unfinished.BeforeLast()
		}
		if todo.taken != nil {
			unfinished = append(slices.Clone(unfinished), todo.taken)
		}
		return s.updateFrom(p.Name, p.Namespace, unfinished)
	}
	old, err := s.inventory(p.Name, p.Namespace, unfinished)
	if err != nil || len(unfinished) == 0 {
		return err
	}
	wanted, err := s.KubeClient.Build(strings.NewReader(p.manifest), false)
	if err != nil {
		return err
	}
	return old.Prune(s.KubeClient.Delete, old.Objects().Difference(wanted))
}

// updateFrom has the next update take back what revisions left.
func (s *session) updateFrom(name, namespace string, revisions history.History) (err error) {
	s.waits.inventory, err = s.inventory(name, namespace, revisions)
	return err
}

func upgrading(cfg *action.Configuration, p prepared) *action.Upgrade {
	u := action.NewUpgrade(cfg)
	u.Namespace, u.Labels, u.Timeout = p.Namespace, p.labels, p.Timeout
	u.ResetValues, u.SkipCRDs, u.DisableOpenAPIValidation = true, true, true
	u.PostRenderer = p.postRenderer()
	u.Description = described("upgrade", p)
	return u
}

func installing(cfg *action.Configuration, p prepared, over bool) *action.Install {
	i := action.NewInstall(cfg)
	i.ReleaseName, i.Namespace, i.Labels, i.Timeout = p.Name, p.Namespace, p.labels, p.Timeout
	i.CreateNamespace, i.Replace = p.CreateNamespace, over
	i.SkipCRDs, i.DisableOpenAPIValidation = true, true
	i.PostRenderer = p.postRenderer()
	i.Description = described("install", p)
	return i
}

func described(verb string, p prepared) string {
	return fmt.Sprintf("%s%s, chart %s", verb, history.ByLockstep, p.chart.Digest)
}
