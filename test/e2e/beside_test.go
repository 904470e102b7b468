package e2e

import (
	"testing"

	"lockstep/internal/cluster"
	"lockstep/test/testbed"
	"lockstep/test/world"
)

// beside is a second environment on the cluster.
func beside() map[string]any {
	return map[string]any{
		"name": testbed.Beside, "namespace": testbed.Beside, "verify.level": "health",
		"hostnames.management": "am.beside.test", "hostnames.gateway": "gw.beside.test", "hostnames.websocket": "websocket.beside.test",
		"hostnames.websub": "websub.beside.test", "hostnames.keyManager": "km.beside.test",
	}
}

// testBeside has two environments come at once, and go in the order in which a purge used to take the CRDs from under the other.
func testBeside(t *testing.T, w *world.World) {
	w.Absent(t)
	mine, theirs := world.File(t, nil), world.File(t, beside())
	gone := false
	defer func() {
		if !gone {
			w.Lockstep(t, "teardown", "--purge", "-f", theirs)
		}
	}()
	for _, deploy := range []*world.Call{w.Begin(t, "deploy", "-f", mine), w.Begin(t, "deploy", "-f", theirs)} {
		if said := deploy.End(t); said.Code != world.Done {
			t.Fatalf("ends with %d:\n%s", said.Code, said.Err)
		}
	}
	w.Expect(t, world.Done, "drift", "-f", theirs)
	w.Expect(t, world.Done, "teardown", "--purge", "-f", mine).Says(t, `left: used by environment "beside"`)
	w.Expect(t, world.Done, "drift", "-f", theirs)
	w.Expect(t, world.Done, "verify", "-f", theirs)
	come, leave := w.Begin(t, "deploy", "-f", mine), w.Begin(t, "teardown", "--purge", "-f", theirs)
	for _, call := range []*world.Call{come, leave} {
		if said := call.End(t); said.Code != world.Done {
			t.Fatalf("ends with %d:\n%s%s", said.Code, said.Out, said.Err)
		}
	}
	gone = true
	w.EverythingIsThere(t)
	w.Expect(t, world.Done, "drift", "-f", mine)
	w.Absent(t)
	for _, object := range w.Objects(t) {
		if ref := cluster.RefOf(object); mentions(ref, "apim", "beside", "envoy", "lockstep", "wso2", "gateway") {
			t.Errorf("after both are purged there is %s", ref)
		}
	}
}
