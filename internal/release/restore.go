package release

import (
	"context"
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Restore undoes what was done to a release since it was as before: it uninstalls what did not exist and rolls back
// what was upgraded. It may be repeated, and tolerates that nothing was done, or half of it. Hooks of Helm's rollback
// run; nothing is waited for after a rollback.
func (e *Engine) Restore(ctx context.Context, namespace, name string, before State, progress func(string)) error {
	if !before.Exists {
		return e.Uninstall(ctx, namespace, name, progress)
	}
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
	return e.rollBack(s, name, before, progress)
}

func (e *Engine) rollBack(s *session, name string, before State, progress func(string)) error {
	last, err := s.settled(name, progress)
	if err != nil {
		return err
	}
	if last == nil {
		return &Problem{Reason: Failed, Message: fmt.Sprintf("release %s was at revision %d and is no longer there", name, before.Revision),
			NextMove: "somebody else uninstalled it: deploy again"}
	}
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
