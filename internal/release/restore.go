package release

import (
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Restore undoes what was done to a release since it was as before: it uninstalls what did not exist and rolls back
// what was upgraded. One that had failed and was installed anew since is uninstalled: there is nothing to roll back to.
// A release of somebody else is left alone. It may be repeated, and tolerates that nothing was done, or half of it.
// Hooks of Helm's rollback run; nothing is waited for after a rollback.
func (e *Engine) Restore(ctx context.Context, namespace, name string, before State, progress func(string)) error {
	progress = orNothing(progress)
	unlock, err := e.locks.acquire(ctx, namespace, name)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := e.open(ctx, namespace, progress)
	if err != nil {
		return err
	}
	last, err := s.settled(name, progress)
	if err != nil {
		return err
	}
	if before.Exists && last != nil && !removed(last) && !reinstalled(last, before) {
		return e.rollBack(s, last, before, progress)
	}
	if wasWhole(before) {
		return &Problem{Reason: Failed, Message: fmt.Sprintf("release %s was at revision %d and is no longer there", name, before.Revision),
			NextMove: "somebody else uninstalled it: deploy again"}
	}
	if last == nil || last.Labels[fingerprintLabel] == "" || s.keptByHand(last) {
		return nil
	}
	return e.remove(ctx, s, last, progress)
}

// reinstalled says whether the release is another installation than the one that was seen.
func reinstalled(last *helmrelease.Release, before State) bool {
	return before.Installed != "" && before.Installed != moment(last.Info.FirstDeployed)
}

// wasWhole says whether there was something to go back to.
func wasWhole(before State) bool {
	return before.Exists && before.Status == helmrelease.StatusDeployed.String()
}

func (e *Engine) rollBack(s *session, last *helmrelease.Release, before State, progress func(string)) error {
	name := last.Name
	if last.Version == before.Revision {
		return nil
	}
	target, err := s.Releases.Get(name, before.Revision)
	if err != nil {
		return problem(fmt.Sprintf("reading revision %d of release %s", before.Revision, name), err)
	}
	if rolledBack(last, target) {
		return nil
	}
	progress(fmt.Sprintf("rolling release %s back from revision %d to %d", name, last.Version, before.Revision))
	r := action.NewRollback(s.Configuration)
	r.Version, r.MaxHistory, r.Timeout = before.Revision, maxHistory, e.options.Timeout
	return s.explain(fmt.Sprintf("rolling back release %s to revision %d", name, before.Revision), r.Run(name))
}

// rolledBack says whether last is what an earlier attempt made of target.
func rolledBack(last, target *helmrelease.Release) bool {
	return last.Info.Status == helmrelease.StatusDeployed && last.Manifest == target.Manifest &&
		last.Labels[fingerprintLabel] == target.Labels[fingerprintLabel] &&
		last.Chart.Metadata.Version == target.Chart.Metadata.Version
}
