package e2e

import (
	"testing"

	"lockstep/test/testbed"
	"lockstep/test/world"
)

// testRights has two accounts with what `lockstep setup rbac` prints, and nothing else: one that installs the gateway, and one for an
// environment beside on the gateway that is there.
func testRights(t *testing.T, w *world.World) {
	w.Absent(t)
	all := w.Limited(t, "limited", nil, world.Namespace)
	mine := world.File(t, map[string]any{"cluster": all.Cluster})
	few := w.Limited(t, "guest", map[string]any{"install": false}, testbed.Second)
	theirs := world.File(t, map[string]any{
		"cluster": few.Cluster, "name": "guest", "namespace": testbed.Second, "image.target": testbed.Target(t) + "-guest",
		"hostnames": map[string]any{
			"management": "am.guest.test", "gateway": "gw.guest.test", "websocket": "websocket.guest.test",
			"websub": "websub.guest.test", "keyManager": "km.guest.test",
		},
	})
	gone := false
	defer func() {
		if !gone {
			w.Lockstep(t, "teardown", "--purge", "-f", theirs)
			w.Lockstep(t, "teardown", "--purge", "-f", mine)
		}
	}()
	w.Expect(t, world.Done, "deploy", "-f", mine)
	w.Expect(t, world.Done, "deploy", "-f", theirs)
	w.Expect(t, world.Done, "clusters").Says(t, all.Cluster, few.Cluster)
	for _, file := range []string{theirs, mine} {
		w.Expect(t, world.Done, "verify", "-f", file)
		w.Expect(t, world.Done, "rotate", "-f", file)
		w.Expect(t, world.Done, "drift", "-f", file)
		w.Expect(t, world.Done, "teardown", "--purge", "-f", file)
	}
	gone = true
	for _, account := range []*world.Limited{few, all} {
		account.WasEnough(t)
		account.Remove(t, w)
	}
	nothingIsLeft(t, w)
}
