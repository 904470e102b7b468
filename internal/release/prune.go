package release

import (
	"context"
	"fmt"

	"lockstep/internal/release/history"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Prune removes the oldest records of a release that Lockstep made last, so that history.Max are left. Apply does not: an
// operation that is undone in the end leaves every record as it was.
func (e *Engine) Prune(ctx context.Context, namespace, name string) error {
	unlock, err := e.locks.acquire(ctx, namespace, name)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := e.open(ctx, namespace, orNothing(nil))
	if err != nil {
		return err
	}
	revisions, err := s.history(name)
	if last := revisions.Last(); err != nil || last == nil || !revisions.MadeByLockstep(last) {
		return err
	}
	for _, old := range revisions[:max(0, len(revisions)-history.Max)] {
		if old.Info.Status == helmrelease.StatusDeployed {
			continue
		}
		if _, err := s.Releases.Delete(name, old.Version); err != nil {
			return explained(fmt.Sprintf("deleting revision %d of release %s", old.Version, name), err)
		}
	}
	return nil
}
