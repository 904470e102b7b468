package release

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	helmrelease "helm.sh/helm/v3/pkg/release"
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
			if after.Revision != 3 || after.Status != "deployed" || after.Fingerprint != before.Fingerprint {
				t.Errorf("after: %+v", after)
			}
			if again := apply(t, cluster, spec(t, nil)); again.Changed {
				t.Error("what was there before is not what is there now")
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
	var p *Problem
	if !errors.As(err, &p) || p.Reason != NotGone || !strings.Contains(err.Error(), "ConfigMap web") {
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

func TestRestoreOfAReleaseThatSomebodyRemovedSaysSo(t *testing.T) {
	err := newMemoryCluster().engine(Options{}).Restore(context.Background(), "apps", "web", State{Exists: true, Revision: 4}, nil)
	if err == nil || !strings.Contains(err.Error(), "no longer there") {
		t.Errorf("got %v", err)
	}
}

func restore(t *testing.T, cluster *memoryCluster, before State) {
	t.Helper()
	if err := cluster.engine(Options{}).Restore(context.Background(), "apps", "web", before, nil); err != nil {
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
