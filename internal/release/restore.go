package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/cli-runtime/pkg/resource"

	"lockstep/internal/release/history"
	"lockstep/internal/release/inventory"
)

// Undo says which release to put back, and to what.
type Undo struct {
	Name, Namespace string
	Owner           string // whose changes are undone: [Spec.Owner]
	Before          State  // what [Engine.Look] saw before them
	Run             string // the operation that made them: [Spec.Run]
	// Shared says that others may have changed the release since, and that it is undone all the same if it did not exist.
	Shared bool
}

// Restore undoes what its owner did to a release since it was as before, the records included: it uninstalls what did not
// exist, and rolls what was upgraded back to the revision that was there, which then is the last one again with the
// status that it had. Of an unfinished revision no more is made than there was, and objects that were missing are removed
// again. One that was pending becomes failed, since nobody was at work on it.
//
// Objects that were there before the run stay, and become again what they were (see [Engine.Snapshot]): they may be all that is left
// of a release whose records somebody lost.
//
// A release of somebody else is left alone. It may be repeated, and tolerates that nothing was done, or half of it.
// Hooks of Helm's rollback run; nothing is waited for after a rollback.
func (e *Engine) Restore(ctx context.Context, u Undo, progress func(string)) error {
	progress = orNothing(progress)
	unlock, err := e.locks.acquire(ctx, u.Namespace, u.Name)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := e.open(ctx, u.Namespace, progress)
	if err != nil {
		return err
	}
	if err := s.readSnapshot(ctx, u.key()); err != nil {
		return err
	}
	foreign, err := e.undoRevisions(ctx, s, u, progress)
	if err != nil || foreign {
		return err
	}
	return e.putObjectsBack(s, u, progress)
}

// undoRevisions goes back to the revision that was there, or removes the release. One that is somebody else's by now it leaves.
func (e *Engine) undoRevisions(ctx context.Context, s *session, u Undo, progress func(string)) (foreign bool, err error) {
	revisions, err := s.history(u.Name)
	if err != nil {
		return false, err
	}
	last := revisions.Last()
	if err := busy(last, u.Owner); err != nil {
		return false, err
	}
	if target := u.target(revisions); target != nil {
		return e.goBackTo(s, u, revisions, target, progress)
	}
	if wasDeployed(u.Before) {
		return false, final(Failed, "somebody else uninstalled it: deploy again", "release %s was at revision %d and no longer exists", u.Name, u.Before.Revision)
	}
	if last == nil {
		return false, nil
	}
	if last.Labels[history.FingerprintLabel] == "" || last.Labels[history.OwnerLabel] != u.Owner && !u.Shared || revisions.KeptByHand() {
		return true, nil
	}
	return false, e.remove(ctx, s, revisions, progress)
}

// target is the revision to go back to; nil if there was none, or it is gone.
func (u Undo) target(revisions history.History) *history.Revision {
	if !u.Before.Exists || len(revisions) == 0 || history.IsUninstalled(revisions.Last()) {
		return nil
	}
	i := slices.IndexFunc(revisions, func(r *history.Revision) bool { return r.Version == u.Before.Revision && !u.Before.precedes(r) })
	if i < 0 {
		return nil
	}
	return revisions[i]
}

// wasDeployed says whether there was something to go back to.
func wasDeployed(before State) bool {
	return before.Exists && before.Status == helmrelease.StatusDeployed.String()
}

// goBackTo rolls the objects back first and then the records, the newest last: until that is gone it tells the next
// attempt that the objects are done.
func (e *Engine) goBackTo(s *session, u Undo, revisions history.History, target *history.Revision, progress func(string)) (foreign bool, err error) {
	newer := revisions[slices.Index(revisions, target)+1:]
	mine := func(r *history.Revision) bool { return history.Signed(r) && r.Labels[history.OwnerLabel] == u.Owner }
	if !slices.ContainsFunc(newer, mine) {
		if len(newer) == 0 {
			return false, s.markFailed(target, progress)
		}
		return true, nil
	}
	last := newer.Last()
	if !mine(last) {
		return true, final(Conflict, fmt.Sprintf("if that is not wanted, roll it back by hand: helm rollback %s %d -n %s", u.Name, target.Version, u.Namespace),
			"somebody else changed release %s since: revision %d, %q", u.Name, last.Version, last.Info.Description)
	}
	if !rolledBack(last, target) || last.Info.Status != helmrelease.StatusDeployed {
		progress(fmt.Sprintf("rolling release %s back from revision %d to %d", u.Name, last.Version, target.Version))
		if err := e.rollBack(s, u, revisions, target); err != nil {
			return false, s.explain(fmt.Sprintf("rolling back release %s to revision %d", u.Name, target.Version), err)
		}
	}
	return false, s.restoreRecords(u, target.Version, progress)
}

// rolledBack says whether an attempt to go back to target made the revision.
func rolledBack(r, target *history.Revision) bool {
	return history.Signed(r) && strings.HasPrefix(r.Info.Description, fmt.Sprintf("Rollback to %d,", target.Version))
}

func (e *Engine) rollBack(s *session, u Undo, revisions history.History, target *history.Revision) error {
	taken := revisions.Last()
	if rolledBack(taken, target) && carriesOn(revisions.BeforeLast(), taken) {
		revisions = revisions.BeforeLast()
	} else if err := s.markFailed(taken, func(string) {}); err != nil {
		return err
	} else {
		taken = nil
	}
	newer := revisions[slices.Index(revisions, target)+1:].BeforeLast() // Helm starts from the last
	if err := s.updateFrom(u.Name, u.Namespace, newer); err != nil {
		return err
	}
	if err := s.adjust(u, revisions); err != nil {
		return err
	}
	return s.record(history.Recording{Owner: u.Owner, Replaces: taken}, func(cfg *action.Configuration) error {
		r := action.NewRollback(cfg)
		r.Version, r.Timeout = target.Version, e.options.Timeout
		return r.Run(u.Name)
	})
}

// adjust has the rollback make no more of the revision than there was.
func (s *session) adjust(u Undo, revisions history.History) error {
	s.waits.inventory.Absent = u.Before.Missing
	i := slices.IndexFunc(revisions, func(r *history.Revision) bool { return r.Version == u.Before.Deployed })
	if len(u.Before.Behind) == 0 || i < 0 {
		return nil
	}
	deployed, err := s.inventory(u.Name, u.Namespace, revisions[i:i+1])
	if err != nil {
		return err
	}
	s.waits.inventory.Instead = deployed.Objects().Filter(func(info *resource.Info) bool { return slices.Contains(u.Before.Behind, inventory.Identity(info)) })
	return s.waits.inventory.Instead.Visit(deployed.Own)
}

// restoreRecords makes the revision the last one, as it was.
func (s *session) restoreRecords(u Undo, revision int, progress func(string)) error {
	revisions, err := s.history(u.Name)
	if err != nil {
		return err
	}
	for _, r := range revisions {
		switch {
		case r.Version == revision:
			err = s.mark(r, u.status())
		case r.Version == u.Before.Deployed:
			err = s.mark(r, helmrelease.StatusDeployed)
		case r.Version > revision:
			progress(fmt.Sprintf("removing the record of revision %d of release %s", r.Version, u.Name))
			_, err = s.Releases.Delete(u.Name, r.Version)
		}
		if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
			return explained(fmt.Sprintf("putting back the records of release %s", u.Name), err)
		}
	}
	return nil
}

// status is what the revision had; pending ones have failed.
func (u Undo) status() helmrelease.Status {
	if status := helmrelease.Status(u.Before.Status); !status.IsPending() {
		return status
	}
	return helmrelease.StatusFailed
}

func (s *session) mark(r *history.Revision, status helmrelease.Status) error {
	if r.Info.Status == status {
		return nil
	}
	r.Info.Status = status
	return s.Releases.Update(r)
}
