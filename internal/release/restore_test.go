package release

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	helmrelease "helm.sh/helm/v3/pkg/release"

	"lockstep/internal/failure"
)

func TestRestoreRemovesWhatDidNotExist(t *testing.T) {
	for name, leave := range map[string]helmrelease.Status{
		"deployed": helmrelease.StatusDeployed, "half installed": helmrelease.StatusFailed,
		"pending": helmrelease.StatusPendingInstall, "half uninstalled": helmrelease.StatusUninstalled,
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newMemoryCluster()
			cluster.objects["secrets/other"] = map[string]any{}
			apply(t, cluster, spec(t, nil))
			cluster.leave(t, leave)
			if leave == helmrelease.StatusUninstalled {
				delete(cluster.objects, "configmaps/web")
			}
			restore(t, cluster, State{})
			if diff := cmp.Diff([]string{"secrets/other"}, cluster.has()); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if got := cluster.history(t); got != "none" {
				t.Errorf("history is %q", got)
			}
			restore(t, cluster, State{}) // again: nothing left to do
		})
	}
}

func TestRestoreToleratesThatNothingWasDone(t *testing.T) {
	cluster := newMemoryCluster()
	restore(t, cluster, State{})
	apply(t, cluster, spec(t, nil))
	before := look(t, cluster)
	restore(t, cluster, before)
	if got := cluster.history(t); got != "deployed" {
		t.Errorf("history is %q", got)
	}
}

func TestRestoreRollsAnUpgradeBackOnce(t *testing.T) {
	for _, leave := range []helmrelease.Status{helmrelease.StatusDeployed, helmrelease.StatusFailed, helmrelease.StatusPendingUpgrade} {
		t.Run(leave.String(), func(t *testing.T) {
			cluster := newMemoryCluster()
			apply(t, cluster, spec(t, nil))
			before := look(t, cluster)
			apply(t, cluster, spec(t, map[string]any{"text": "new"}))
			cluster.leave(t, leave)
			restore(t, cluster, before)
			restore(t, cluster, before) // as after a crash
			after := look(t, cluster)
			if after.Revision != 1 || after.Status != "deployed" || after.Fingerprint != before.Fingerprint {
				t.Errorf("after: %+v", after)
			}
			if again := apply(t, cluster, spec(t, nil)); again.Changed || cluster.history(t) != "deployed" {
				t.Errorf("what was there before is not what is there now: %s", cluster.history(t))
			}
		})
	}
}

func TestUninstallSaysWhatIsStillThere(t *testing.T) {
	cluster := newMemoryCluster()
	apply(t, cluster, spec(t, nil))
	cluster.stubborn["configmaps/web"] = true
	var said []string
	err := cluster.engine(Options{Timeout: time.Millisecond}).Uninstall(context.Background(), "apps", "web", func(text string) { said = append(said, text) })
	if failure.ReasonOf(err) != NotGone || !strings.Contains(err.Error(), "ConfigMap web") {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff([]string{"uninstalling release web: revision 1, deployed", "waiting until ConfigMap web is gone"}, said); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if got := cluster.history(t); got != "uninstalled" {
		t.Errorf("history is %q: the next attempt would not know what to wait for", got)
	}
	delete(cluster.objects, "configmaps/web")
	restore(t, cluster, State{})
	if got := cluster.history(t); got != "none" {
		t.Errorf("history is %q", got)
	}
}

func TestUninstallLeavesOutWhatWentWithItsKind(t *testing.T) {
	cluster, s := newMemoryCluster(), spec(t, nil)
	s.Chart.Path = writeChart(t, configMap+"---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}\n")
	apply(t, cluster, s)
	cluster.unknown = "Widget"
	delete(cluster.objects, "widgets/web")
	_, err := cluster.engine(Options{}).Apply(context.Background(), s, nil)
	checkFailure(t, err, KindMissing, "Widget")
	var said []string
	if err := cluster.engine(Options{}).Uninstall(context.Background(), "apps", "web", func(text string) { said = append(said, text) }); err != nil {
		t.Fatal(err)
	}
	if len(cluster.has()) > 0 || cluster.history(t) != "none" || !slices.Contains(said, "gone with its CRD: Widget web") {
		t.Errorf("left are %v, history %s, said %q", cluster.has(), cluster.history(t), said)
	}
}

func TestRestoreOfAReleaseThatSomebodyRemovedSaysSo(t *testing.T) {
	for name, since := range map[string]func(*testing.T, *memoryCluster){
		"without a trace":  func(t *testing.T, c *memoryCluster) { c.forgotten(t) },
		"with its history": func(t *testing.T, c *memoryCluster) { c.uninstalledByHand(t) },
		"and installed it anew": func(t *testing.T, c *memoryCluster) {
			c.forgotten(t)
			apply(t, c, spec(t, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newMemoryCluster()
			apply(t, cluster, spec(t, nil))
			before := look(t, cluster)
			since(t, cluster)
			err := cluster.engine(Options{}).Restore(context.Background(), Undo{Namespace: "apps", Name: "web", Before: before}, nil)
			if err == nil || !strings.Contains(err.Error(), "no longer exists") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRestorePutsAFailureBack(t *testing.T) {
	cluster, s := failedInstall(t)
	var stored State // as a workflow keeps it
	if data, err := json.Marshal(look(t, cluster)); err != nil || json.Unmarshal(data, &stored) != nil || !cmp.Equal(stored, look(t, cluster)) {
		t.Fatalf("%+v became %+v, %v", look(t, cluster), stored, err)
	}
	was := cluster.has()
	s.Before = stored
	apply(t, cluster, s)
	for range 2 {
		restore(t, cluster, stored)
	}
	if diff := cmp.Diff(was, cluster.has()); diff != "" || cluster.history(t) != "failed" || !cmp.Equal(look(t, cluster), stored) {
		t.Errorf("history %s, objects (-want +got):\n%s", cluster.history(t), diff)
	}
}

func TestRestoreRemovesAgainWhatWasMissing(t *testing.T) {
	cluster, s := newMemoryCluster(), spec(t, nil)
	apply(t, cluster, s)
	delete(cluster.objects, "configmaps/web")
	s.Before = look(t, cluster)
	if !slices.Equal(s.Before.Missing, Names{"ConfigMap apps/web"}) {
		t.Errorf("before: %+v", s.Before)
	}
	apply(t, cluster, s)
	restore(t, cluster, s.Before)
	if len(cluster.has()) > 0 || cluster.history(t) != "deployed" {
		t.Errorf("left are %v, history %s", cluster.has(), cluster.history(t))
	}
}

func TestRestoreLeavesWhatSomebodyElseDidSince(t *testing.T) {
	cluster := newMemoryCluster()
	apply(t, cluster, spec(t, nil))
	before := look(t, cluster)
	cluster.upgradedByHand(t)
	restore(t, cluster, before) // nothing of it is Lockstep's
	if got := cluster.history(t); got != "superseded deployed" {
		t.Errorf("history is %q", got)
	}
	apply(t, cluster, spec(t, map[string]any{"text": "new"}))
	cluster.upgradedByHand(t)
	err := cluster.engine(Options{}).Restore(context.Background(), Undo{Namespace: "apps", Name: "web", Before: before}, nil)
	checkFailure(t, err, Conflict, "revision 4", "helm rollback web 1 -n apps")
}

func TestWhatAnInterruptedRevisionBroughtGoes(t *testing.T) {
	extra := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: extra}\n"
	kept := "---\napiVersion: v1\nkind: Service\nmetadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}\n"
	for name, next := range map[string]func(*testing.T, *memoryCluster, State){
		"with the next upgrade": func(t *testing.T, c *memoryCluster, _ State) { apply(t, c, spec(t, map[string]any{"text": "other"})) },
		"with Restore":          func(t *testing.T, c *memoryCluster, before State) { restore(t, c, before) },
		"with Restore after the next upgrade": func(t *testing.T, c *memoryCluster, before State) {
			s := spec(t, nil)
			s.Chart.Path = writeChart(t, configMap+strings.ReplaceAll(extra, "extra", "more"))
			apply(t, c, s)
			restore(t, c, before)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, s := newMemoryCluster(), spec(t, nil)
			apply(t, cluster, s)
			before := look(t, cluster)
			s.Chart.Path = writeChart(t, configMap+extra+kept)
			apply(t, cluster, s)
			cluster.leave(t, helmrelease.StatusPendingUpgrade)
			first, err := cluster.releases.Get("web", 1)
			if err != nil {
				t.Fatal(err)
			}
			first.Info.Status = helmrelease.StatusDeployed
			if err := cluster.releases.Update(first); err != nil {
				t.Fatal(err)
			}
			next(t, cluster, before)
			if diff := cmp.Diff([]string{"configmaps/web", "services/kept"}, cluster.has()); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRestoreRemovesWhatWasAppliedOverAHalfUninstalledRelease(t *testing.T) {
	cluster := newMemoryCluster()
	apply(t, cluster, spec(t, nil))
	cluster.leave(t, helmrelease.StatusUninstalling)
	before := look(t, cluster)
	if before.Exists || before.Status != "uninstalling" {
		t.Errorf("before: %+v", before)
	}
	apply(t, cluster, spec(t, nil))
	restore(t, cluster, before)
	if len(cluster.has()) > 0 || cluster.history(t) != "none" {
		t.Errorf("left are %v, history %s", cluster.has(), cluster.history(t))
	}
}

func TestTheHistoryOfAReleaseThatSomebodyUninstalledIsKept(t *testing.T) {
	cluster := newMemoryCluster()
	apply(t, cluster, spec(t, nil))
	cluster.uninstalledByHand(t)
	before, e := look(t, cluster), cluster.engine(Options{})
	if before.Exists {
		t.Errorf("before: %+v", before)
	}
	_, err := e.Apply(context.Background(), spec(t, nil), nil)
	checkFailure(t, err, Conflict, "kept its history", "helm uninstall web -n apps")
	restore(t, cluster, before)
	if err := e.Uninstall(context.Background(), "apps", "web", nil); err != nil {
		t.Error(err)
	}
	if got := cluster.history(t); got != "uninstalled" {
		t.Errorf("history is %q", got)
	}
}

func TestRestoreLeavesAReleaseOfSomebodyElseAlone(t *testing.T) {
	cluster := newMemoryCluster()
	before := look(t, cluster)
	apply(t, cluster, spec(t, nil))
	cluster.disown(t)
	restore(t, cluster, before)
	if len(cluster.has()) != 1 || cluster.history(t) != "deployed" {
		t.Errorf("left are %v, history %s", cluster.has(), cluster.history(t))
	}
}

func restore(t *testing.T, cluster *memoryCluster, before State) {
	t.Helper()
	if err := cluster.engine(Options{}).Restore(context.Background(), Undo{Namespace: "apps", Name: "web", Before: before}, nil); err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, cluster *memoryCluster) State {
	t.Helper()
	state, err := cluster.engine(Options{}).Look(context.Background(), "apps", "web")
	if err != nil {
		t.Fatal(err)
	}
	return state
}
