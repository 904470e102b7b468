package release

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/failure"
	"lockstep/internal/release/history"
)

func TestApplyInstallsOnceAndThenChangesNothing(t *testing.T) {
	cluster := newMemoryCluster()
	first := apply(t, cluster, spec(t, nil))
	second := apply(t, cluster, spec(t, nil))
	if !first.Changed || first.Revision != 1 || second.Changed || second.Revision != 1 {
		t.Errorf("results are %+v and %+v", first, second)
	}
	if got := cluster.history(t); got != "deployed" {
		t.Errorf("history is %s", got)
	}
	if first.ChartVersion != "1.2.3" || first.ChartDigest != second.ChartDigest || !strings.HasPrefix(first.ChartDigest, "sha256:") {
		t.Errorf("chart is %s %s", first.ChartVersion, first.ChartDigest)
	}
}

func TestApplyUpgradesWhatIsNotAsAskedFor(t *testing.T) {
	for name, change := range map[string]func(*memoryCluster, *Spec){
		"other values":          func(_ *memoryCluster, s *Spec) { s.Values = map[string]any{"text": "other"} },
		"other post-rendering":  func(_ *memoryCluster, s *Spec) { s.PostRender = annotate },
		"other chart":           func(_ *memoryCluster, s *Spec) { s.Chart.Path = writeChart(t, configMap+"  more: text\n") },
		"somebody upgraded it":  func(c *memoryCluster, _ *Spec) { c.upgradedByHand(t) },
		"an object was deleted": func(c *memoryCluster, _ *Spec) { delete(c.objects, "configmaps/web") },
		"an object was changed": func(c *memoryCluster, _ *Spec) { c.changedByHand(t, "configmaps/web") },
	} {
		t.Run(name, func(t *testing.T) {
			cluster, s := newMemoryCluster(), spec(t, nil)
			apply(t, cluster, s)
			change(cluster, &s)
			result := apply(t, cluster, s)
			if !result.Changed || !strings.HasSuffix(cluster.history(t), "superseded deployed") {
				t.Errorf("result is %+v, history %s", result, cluster.history(t))
			}
			if diff := cmp.Diff([]string{"configmaps/web"}, cluster.has()); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			var repaired []string
			if strings.HasPrefix(name, "an object was") {
				repaired = []string{"ConfigMap apps/web"}
			}
			if diff := cmp.Diff(repaired, result.Repaired); diff != "" {
				t.Error(diff)
			}
			if again := apply(t, cluster, s); again.Changed {
				t.Error("the next one changes something again")
			}
		})
	}
}

func TestApplyGoesOnFromWhatAKilledProcessLeft(t *testing.T) {
	for status, want := range map[helmrelease.Status]string{
		helmrelease.StatusPendingInstall:  "deployed",
		helmrelease.StatusPendingUpgrade:  "deployed",
		helmrelease.StatusPendingRollback: "superseded deployed",
		helmrelease.StatusFailed:          "deployed",
		helmrelease.StatusUninstalling:    "deployed",
		helmrelease.StatusUninstalled:     "deployed",
	} {
		t.Run(status.String(), func(t *testing.T) {
			cluster := newMemoryCluster()
			apply(t, cluster, spec(t, nil))
			cluster.leave(t, status)
			if status == helmrelease.StatusUninstalled {
				delete(cluster.objects, "configmaps/web")
			}
			if result := apply(t, cluster, spec(t, nil)); !result.Changed {
				t.Error("nothing was done")
			}
			if got := cluster.history(t); got != want {
				t.Errorf("history is %q, not %q", got, want)
			}
		})
	}
}

func TestFailedFirstInstallIsDoneAgainWhereTheChartHasInstallOnlyHooks(t *testing.T) {
	cluster, s := failedInstall(t)
	apply(t, cluster, s)
	if got := cluster.history(t); got != "deployed" {
		t.Errorf("history is %q: the install hook was not run again", got)
	}
}

func TestAFailedInstallOfAnEarlierRunIsInstalledOver(t *testing.T) {
	cluster, s := failedInstall(t)
	s.Before = look(t, cluster)
	for range 2 {
		apply(t, cluster, s)
	}
	last, err := cluster.releases.Last("web")
	if err != nil || cluster.history(t) != "failed deployed" || !strings.HasPrefix(last.Info.Description, "install by") {
		t.Errorf("history is %q, %q, %v", cluster.history(t), last.Info.Description, err)
	}
}

func TestWhatAnEarlierRunLeftGetsARevisionOnTop(t *testing.T) {
	for status, want := range map[helmrelease.Status]string{
		helmrelease.StatusPendingUpgrade: "superseded failed deployed",
		helmrelease.StatusFailed:         "superseded failed deployed",
	} {
		t.Run(status.String(), func(t *testing.T) {
			cluster, s := newMemoryCluster(), spec(t, nil)
			apply(t, cluster, s)
			s.Values = map[string]any{"text": "new"}
			cluster.updateErr = errors.New("boom")
			if _, err := cluster.engine(Options{}).Apply(context.Background(), s, nil); err == nil {
				t.Fatal("a failed update is no error")
			}
			cluster.updateErr = nil
			cluster.leave(t, status)
			s.Before = look(t, cluster)
			if s.Before.Deployed != 1 || s.Before.Revision != 2 {
				t.Errorf("before: %+v", s.Before)
			}
			apply(t, cluster, s)
			if got := cluster.history(t); got != want {
				t.Errorf("history is %q, not %q", got, want)
			}
			restore(t, cluster, s.Before)
			if got := cluster.history(t); got != "deployed failed" {
				t.Errorf("after Restore the history is %q", got)
			}
		})
	}
}

func TestAReleaseOnWhichSomebodyElseIsAtWorkIsRefused(t *testing.T) {
	started := time.Now().Add(-time.Minute)
	cluster := newMemoryCluster()
	apply(t, cluster, spec(t, nil))
	before := look(t, cluster)
	cluster.upgradedByHand(t)
	cluster.change(t, func(r *helmrelease.Release) {
		r.Info.Status, r.Info.Description, r.Info.LastDeployed.Time = helmrelease.StatusPendingUpgrade, "Preparing upgrade", started
	})
	e := cluster.engine(Options{})
	says := []string{"outside Lockstep", "web", "revision 2 is pending-upgrade since " + started.UTC().Format(time.RFC3339), "helm history web -n apps"}
	_, err := e.Look(context.Background(), "apps", "web")
	checkFailure(t, err, Conflict, says...)
	_, err = e.Apply(context.Background(), spec(t, nil), nil)
	checkFailure(t, err, Conflict, says...)
	checkFailure(t, e.Restore(context.Background(), Undo{Namespace: "apps", Name: "web", Before: before}, nil), Conflict, says...)
	if got := cluster.history(t); got != "superseded pending-upgrade" {
		t.Errorf("history is %q", got)
	}
	cluster.change(t, func(r *helmrelease.Release) { r.Info.LastDeployed.Time = started.Add(-abandonedAfter) })
	apply(t, cluster, spec(t, nil))
	if got := cluster.history(t); !strings.HasSuffix(got, " deployed") {
		t.Errorf("history is %q: nobody is at work for so long", got)
	}
}

func TestAnotherEnvironmentsWorkOnASharedReleaseIsWaitedFor(t *testing.T) {
	cluster, s := newMemoryCluster(), spec(t, nil)
	s.Owner = "a"
	apply(t, cluster, s)
	cluster.change(t, func(r *helmrelease.Release) {
		r.Info.Status, r.Info.LastDeployed.Time = helmrelease.StatusPendingInstall, time.Now()
	})
	s.Owner = "b"
	_, err := cluster.engine(Options{}).Apply(context.Background(), s, nil)
	checkFailure(t, err, Conflict, `environment "a" is changing release web`)
	if !failure.IsRetryable(err) {
		t.Errorf("it is over soon: %v", err)
	}
}

func TestAnUnrecordedOutcomeIsAnErrorAndDoneAgain(t *testing.T) {
	cluster := newMemoryCluster()
	cluster.releases.Driver = &brokenDriver{Driver: cluster.releases.Driver, good: 1}
	if _, err := cluster.engine(Options{}).Apply(context.Background(), spec(t, nil), nil); err == nil {
		t.Error("a release that is recorded as pending counts as installed")
	}
	cluster.releases.Driver = cluster.releases.Driver.(*brokenDriver).Driver
	apply(t, cluster, spec(t, nil))
	if got := cluster.history(t); got != "deployed" {
		t.Errorf("history is %q", got)
	}
}

func TestPruneKeepsTheNewestRevisions(t *testing.T) {
	cluster := newMemoryCluster()
	for i := range history.Max + 2 {
		apply(t, cluster, spec(t, map[string]any{"text": i}))
	}
	if got := len(strings.Fields(cluster.history(t))); got != history.Max+2 {
		t.Errorf("%d revisions: one that is undone cannot be brought back", got)
	}
	for range 2 {
		if err := cluster.engine(Options{}).Prune(context.Background(), "apps", "web"); err != nil {
			t.Fatal(err)
		}
	}
	if got := cluster.history(t); got != strings.Repeat("superseded ", history.Max-1)+"deployed" {
		t.Errorf("history is %q", got)
	}
}

// failedInstall is a release with an install-only hook that failed.
func failedInstall(t *testing.T) (*memoryCluster, Spec) {
	t.Helper()
	cluster, s := newMemoryCluster(), spec(t, nil)
	s.Chart.Path = writeChart(t, configMap+"---\n"+installHook)
	cluster.hookErr = errors.New("job setup failed: BackoffLimitExceeded")
	if _, err := cluster.engine(Options{}).Apply(context.Background(), s, nil); err == nil {
		t.Fatal("a failed hook is no error")
	}
	cluster.hookErr = nil
	return cluster, s
}

func TestFailedUpgradeIsRecordedAndDoneAgain(t *testing.T) {
	cluster := newMemoryCluster()
	apply(t, cluster, spec(t, nil))
	cluster.updateErr = errors.New(`Deployment.apps "web" is invalid: spec: Forbidden`)
	_, err := cluster.engine(Options{}).Apply(context.Background(), spec(t, map[string]any{"text": "new"}), nil)
	if failure.ReasonOf(err) != Rejected || failure.IsRetryable(err) {
		t.Errorf("got %v", err)
	}
	cluster.updateErr = nil
	apply(t, cluster, spec(t, map[string]any{"text": "new"}))
	if got := cluster.history(t); got != "superseded deployed" {
		t.Errorf("history is %q: one upgrade is one revision", got)
	}
}

func TestAnObjectOfSomebodyElseIsAConflict(t *testing.T) {
	cluster := newMemoryCluster()
	cluster.objects["configmaps/web"] = map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "web"}}
	_, err := cluster.engine(Options{}).Apply(context.Background(), spec(t, nil), nil)
	if failure.ReasonOf(err) != Conflict || !strings.Contains(err.Error(), `ConfigMap "web"`) {
		t.Errorf("got %v", err)
	}
	if got := cluster.history(t); got != "none" {
		t.Errorf("history is %q", got)
	}
}

func TestARefusedTemplateSaysWhy(t *testing.T) {
	_, err := newMemoryCluster().engine(Options{}).Apply(context.Background(), spec(t, map[string]any{"text": ""}), nil)
	if failure.ReasonOf(err) != RenderFailed || !strings.Contains(err.Error(), "text is required") {
		t.Errorf("got %v", err)
	}
}

func TestLookSaysWhatApplyMade(t *testing.T) {
	cluster := newMemoryCluster()
	e := cluster.engine(Options{})
	none, err := e.Look(context.Background(), "apps", "web")
	if err != nil || !none.IsZero() {
		t.Errorf("before: %+v, %v", none, err)
	}
	result := apply(t, cluster, spec(t, nil))
	got, err := e.Look(context.Background(), "apps", "web")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Fingerprint) != 52 {
		t.Errorf("fingerprint is %q", got.Fingerprint)
	}
	if _, err := time.Parse(time.RFC3339Nano, got.Installed); err != nil {
		t.Error(err)
	}
	got.Fingerprint, got.Installed = "", ""
	want := State{Exists: true, Revision: 1, Status: "deployed", Chart: "web", Version: "1.2.3", Digest: result.ChartDigest}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestOneReleaseIsWorkedOnByOneActionAtATime(t *testing.T) {
	e := newMemoryCluster().engine(Options{})
	unlock, err := e.locks.acquire(context.Background(), "apps", "web")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Apply(ctx, spec(t, nil), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a second action gets %v while the first is running", err)
	}
	unlock()
	if _, err := e.Apply(context.Background(), spec(t, nil), nil); err != nil {
		t.Error(err)
	}
}

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  text: {{ required "text is required" .Values.text | quote }}
  replicas: {{ .Values.replicas | quote }}
`

const installHook = `apiVersion: batch/v1
kind: Job
metadata:
  name: setup
  annotations:
    helm.sh/hook: pre-install
`

// writeChart makes a chart folder with one template.
func writeChart(t *testing.T, template string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml":              "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: \"9\"\n",
		"values.yaml":             "text: hello\nreplicas: 1000000\n",
		"templates/web.yaml":      template,
		"crds/widgets.yaml":       "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {name: widgets.example.com}\n---\n# nothing\n",
		".helmignore":             "*.bak\n",
		"templates/left-over.bak": "not a template",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func spec(t *testing.T, values map[string]any) Spec {
	t.Helper()
	return Spec{Name: "web", Namespace: "apps", Chart: config.Chart{Path: writeChart(t, configMap)}, Values: values, Timeout: time.Minute}
}

func apply(t *testing.T, cluster *memoryCluster, s Spec) Result {
	t.Helper()
	result, err := cluster.engine(Options{}).Apply(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func annotate(objects []*unstructured.Unstructured) error {
	for _, object := range objects {
		object.SetAnnotations(map[string]string{"mended": "yes"})
	}
	return nil
}
