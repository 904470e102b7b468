// Package release installs, upgrades and removes Helm releases. Beside package chart, which gets
// the charts, it is the only one that imports helm.sh/helm.
//
// It looks first and then takes one action. It never waits for what a chart made to become ready (neither Wait nor
// Atomic): a Helm v3 action cannot be stopped once it runs, so waiting and undoing are steps of their own.
//
// # Cancelling
//
// [Engine.Apply], [Engine.Restore] and [Engine.Uninstall] return only when nothing of theirs still talks to the
// cluster. A cancelled context ends the waits (hooks, deletions, downloads, the wait for another action on the same
// release) at once; requests that are already under way are finished, and the release is recorded as failed, which the
// next Apply upgrades and the next Uninstall removes.
//
// # Hooks
//
// Helm v3 does not post-render hooks: [Spec.PostRender] sees only the objects that are part of the release.
package release
