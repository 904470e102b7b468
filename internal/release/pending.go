package release

import (
	"fmt"
	"slices"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"lockstep/internal/release/history"
)

// abandonedAfter is how long a revision of somebody else may be pending before nobody can be at work on it any more.
const abandonedAfter = 30 * time.Minute

// busy refuses a release on which somebody else is at work. The revisions that owner's environment left pending are
// not meant: their worker was killed, since one operation at a time works on an environment and the caller holds the
// release's lock.
func busy(last *history.Revision, owner string) error {
	if last == nil || !last.Info.Status.IsPending() || history.Signed(last) && last.Labels[history.OwnerLabel] == owner {
		return nil
	}
	if time.Since(last.Info.LastDeployed.Time) > abandonedAfter {
		return nil
	}
	since := last.Info.LastDeployed.UTC().Format(time.RFC3339)
	if history.Signed(last) {
		return transient(Conflict, "wait for that operation", "an operation of environment %q is changing release %s: revision %d is %s since %s",
			last.Labels[history.OwnerLabel], last.Name, last.Version, last.Info.Status, since)
	}
	next := fmt.Sprintf("wait until it is done and run this again; if it was interrupted, repair the release first (helm history %[1]s -n %[2]s, then helm rollback or "+
		"helm uninstall)", last.Name, last.Namespace)
	return final(Conflict, next, "Helm is changing release %s, outside Lockstep: revision %d is %s since %s", last.Name, last.Version, last.Info.Status, since)
}

// resumable says whether the newest revision is an attempt of this very run at what p asks for: killed, or failed. It
// is then carried on under its number. What an earlier run left gets a revision on top, to have something to go back to.
func resumable(revisions history.History, p prepared) bool {
	last := revisions.Last()
	if last == nil || !history.Signed(last) || last.Labels[history.OwnerLabel] != p.Owner || last.Labels[history.FingerprintLabel] != p.labels[history.FingerprintLabel] {
		return false
	}
	unfinished := slices.Contains([]helmrelease.Status{
		helmrelease.StatusPendingInstall, helmrelease.StatusPendingUpgrade, helmrelease.StatusFailed}, last.Info.Status)
	return unfinished && p.Before.precedes(last) && carriesOn(revisions.BeforeLast(), last)
}

// carriesOn says whether Helm would give last's number to the next revision of history.
func carriesOn(revisions history.History, last *history.Revision) bool {
	under := revisions.Last()
	if under == nil {
		return last.Version == 1
	}
	return under.Version == last.Version-1 && !under.Info.Status.IsPending() && under.Info.Status != helmrelease.StatusUninstalled
}

// precedes says whether a revision was made after the release was seen.
func (before State) precedes(r *history.Revision) bool {
	return !before.Exists || r.Version > before.Revision || before.Installed != history.Moment(r.Info.FirstDeployed)
}

// markDeployed marks the revision as deployed again that was so when the run began, if an upgrade was cut off between recording
// that it is superseded and recording its own success. Else Helm would start from whatever is last.
func (s *session) markDeployed(revisions history.History, before State) error {
	if revisions.Deployed() != nil {
		return nil
	}
	i := slices.IndexFunc(revisions, func(r *history.Revision) bool { return r.Version == before.deployed() && !before.precedes(r) })
	if i < 0 || revisions[i].Info.Status != helmrelease.StatusSuperseded {
		return nil
	}
	return explained(fmt.Sprintf("marking revision %d of release %s as deployed", revisions[i].Version, revisions[i].Name), s.mark(revisions[i], helmrelease.StatusDeployed))
}

// deployed is the revision that Helm had marked so; 0 if there was none.
func (before State) deployed() int {
	if wasDeployed(before) {
		return before.Revision
	}
	return before.Deployed
}

// markFailed marks a revision that was left pending as failed. This also bars an attempt that is only frozen from reporting
// over what comes next.
func (s *session) markFailed(last *history.Revision, progress func(string)) error {
	if last == nil || !last.Info.Status.IsPending() {
		return nil
	}
	progress(fmt.Sprintf("release %s was left %s: marking revision %d as failed", last.Name, last.Info.Status, last.Version))
	last.SetStatus(helmrelease.StatusFailed, fmt.Sprintf("interrupted while %s%s", last.Info.Status, signature(last)))
	return explained("marking release "+last.Name+" as failed", s.Releases.Update(last))
}

func signature(r *history.Revision) string {
	if history.Signed(r) {
		return ", run" + history.ByLockstep
	}
	return ""
}
