// Package history holds what Helm keeps of a release: its revisions, what they say, and the storage that they are in.
package history

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	helmtime "helm.sh/helm/v3/pkg/time"
)

// Max is how many revisions of a release are left once an operation is done.
const Max = 10

// Revision is one revision of a release, as Helm records it.
type Revision = release.Release

// History is every revision of a release, the oldest first.
type History []*Revision

// Read gives the history of a release; none if there is no release.
func Read(records *storage.Storage, name string) (History, error) {
	all, err := records.History(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	slices.SortFunc(all, func(a, b *Revision) int { return a.Version - b.Version })
	return all, err
}

// Last is the newest revision; nil if there is none.
func (h History) Last() *Revision {
	if len(h) == 0 {
		return nil
	}
	return h[len(h)-1]
}

// BeforeLast is the history without its newest revision.
func (h History) BeforeLast() History { return h[:max(0, len(h)-1)] }

// SinceDeployed are the revisions since the one that is deployed, which is not among them; all, if none is.
func (h History) SinceDeployed() History {
	for i, revision := range slices.Backward(h) {
		if revision.Info.Status == release.StatusDeployed {
			return h[i+1:]
		}
	}
	return h
}

// Deployed is the revision that is deployed; nil if none is.
func (h History) Deployed() *Revision { return h[:len(h)-len(h.SinceDeployed())].Last() }

// InCluster are the revisions that objects in the cluster may be of: the deployed one and what came after.
func (h History) InCluster() History { return h[max(0, len(h)-len(h.SinceDeployed())-1):] }

// MadeByLockstep says whether a revision of the history is what its labels say. Helm hands labels on: a revision that
// somebody else made after one of ours carries its fingerprint, but not its description. A rollback is what the revision
// it went back to was.
func (h History) MadeByLockstep(r *Revision) bool {
	for range Max {
		var target int
		if _, err := fmt.Sscanf(r.Info.Description, "Rollback to %d", &target); err != nil {
			return Signed(r)
		}
		i := slices.IndexFunc(h, func(r *Revision) bool { return r.Version == target })
		if i < 0 {
			return false // no longer in the history: an upgrade mends it
		}
		r = h[i]
	}
	return false
}

// KeptByHand says whether the history is one that somebody else wanted to keep: helm uninstall --keep-history.
func (h History) KeptByHand() bool {
	last := h.Last()
	return last != nil && last.Info.Status == release.StatusUninstalled && !h.MadeByLockstep(last)
}

// WasComplete says whether a revision was once complete.
func WasComplete(r *Revision) bool {
	return r.Info.Status == release.StatusDeployed || r.Info.Status == release.StatusSuperseded
}

// IsUninstalled says whether a release counts as not there: it is uninstalled, or an uninstallation of ours was cut off.
func IsUninstalled(last *Revision) bool {
	return last.Info.Status == release.StatusUninstalled ||
		last.Info.Status == release.StatusUninstalling && last.Labels[FingerprintLabel] != ""
}

// Key is the name of a revision's record.
func Key(r *Revision) string {
	return fmt.Sprintf("%s.%s.v%d", storage.HelmStorageType, r.Name, r.Version)
}

// Moment writes a time of Helm's.
func Moment(t helmtime.Time) string { return t.UTC().Format(time.RFC3339Nano) }
