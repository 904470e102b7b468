package history

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/release"
)

// revisions makes a history of one revision for each status.
func revisions(statuses ...release.Status) History {
	var all History
	for i, status := range statuses {
		all = append(all, &Revision{Version: i + 1, Info: &release.Info{Status: status, Description: "install" + ByLockstep}})
	}
	return all
}

func versions(h History) []int {
	all := []int{}
	for _, r := range h {
		all = append(all, r.Version)
	}
	return all
}

func TestWhatCameSinceTheDeployedRevision(t *testing.T) {
	const deployed, failed, superseded = release.StatusDeployed, release.StatusFailed, release.StatusSuperseded
	for name, c := range map[string]struct {
		history          History
		since, inCluster []int
		deployed         int // 0: none
	}{
		"nothing":                    {nil, []int{}, []int{}, 0},
		"one that is deployed":       {revisions(superseded, deployed), []int{}, []int{2}, 2},
		"two failed on top":          {revisions(superseded, deployed, failed, failed), []int{3, 4}, []int{2, 3, 4}, 2},
		"none was ever deployed":     {revisions(failed, failed), []int{1, 2}, []int{1, 2}, 0},
		"deployed, and rolled under": {revisions(deployed, failed, deployed), []int{}, []int{3}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.since, versions(c.history.SinceDeployed())); diff != "" {
				t.Errorf("since (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.inCluster, versions(c.history.InCluster())); diff != "" {
				t.Errorf("in the cluster (-want +got):\n%s", diff)
			}
			is := c.history.Deployed()
			if is == nil && c.deployed != 0 || is != nil && is.Version != c.deployed {
				t.Errorf("deployed is %+v", is)
			}
		})
	}
}

func TestARollbackIsWhatTheRevisionWasThatItWentBackTo(t *testing.T) {
	h := revisions(release.StatusSuperseded, release.StatusSuperseded, release.StatusDeployed)
	h[1].Info.Description = "Upgrade complete"
	for description, ours := range map[string]bool{
		"Rollback to 1":                 true,
		"Rollback to 2":                 false,
		"Rollback to 9":                 false,
		"Upgrade complete":              false,
		"upgrade by Lockstep, chart x":  true,
		"Rollback to 3 (never ending)":  false,
		"install by Lockstep, chart xy": true,
	} {
		h[2].Info.Description = description
		if got := h.MadeByLockstep(h.Last()); got != ours {
			t.Errorf("%q: %v", description, got)
		}
	}
}
