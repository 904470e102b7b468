// Package e2e carries out whole operations in a sandbox, with the command line, a worker and simulated products as processes.
package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/test/testbed"
	"lockstep/test/world"
	"lockstep/workflows/board"
)

func testDeploy(t *testing.T, w *world.World) {
	w.Absent(t)
	o := w.Deployed(t)
	r := o.Result
	if o.Outcome != board.OutcomeDone || len(r.Consoles) != 6 || r.GatewayURL != "https://gw.lockstep.test" || r.Address == "" ||
		!strings.HasPrefix(r.Hosts, r.Address+" am.lockstep.test gw.lockstep.test") || r.Issuer != "https://km.lockstep.test/oauth2/token" || r.KeyManager == "" {
		t.Errorf("the report lacks addresses: %+v", o)
	}
	target := testbed.Target(t)
	if !strings.HasPrefix(r.Image, target[:strings.LastIndex(target, ":")]+"@sha256:") || len(r.Releases) != 3 {
		t.Errorf("the report lacks image or releases: %+v", r)
	}
	for name, release := range r.Releases {
		if release.Revision != 1 || !release.Changed || !strings.HasPrefix(release.ChartDigest, "sha256:") {
			t.Errorf("release %s: %+v", name, release)
		}
	}
	if len(r.Durations) != len(o.Status.Steps) || r.CriticalPath.Took <= 0 || r.CriticalPath.Took > r.CriticalPath.Makespan {
		t.Errorf("durations %v of %d steps, critical path %+v", r.Durations, len(o.Status.Steps), r.CriticalPath)
	}
	if len(r.Certificates) == 0 || len(r.Verified) != 6 || !strings.Contains(r.AdminPassword, "kubectl get secret lockstep-credentials -n apim") {
		t.Errorf("certificates %v, proved %v, password %q", r.Certificates, r.Verified, r.AdminPassword)
	}
	w.EverythingIsThere(t)
	w.NothingOfVerification(t)
}

func testSecondDeploy(t *testing.T, w *world.World) {
	w.Deployed(t)
	objects, pods, pushes, revisions := w.Versions(t), w.Pods(t), len(w.Pushes(t)), w.Revisions(t)
	o := w.Deployed(t)
	for name, release := range o.Result.Releases {
		if release.Changed {
			t.Errorf("release %s changed", name)
		}
	}
	if now := w.Pushes(t); len(now) != pushes {
		t.Errorf("pushed again: %v", now[pushes:])
	}
	if diff := cmp.Diff(revisions, w.Revisions(t), world.Sorted); diff != "" {
		t.Errorf("revisions:\n%s", diff)
	}
	if diff := cmp.Diff(pods, w.Pods(t)); diff != "" {
		t.Errorf("pods:\n%s", diff)
	}
	if diff := cmp.Diff(objects, w.Versions(t)); diff != "" {
		t.Errorf("resource versions of our objects:\n%s", diff)
	}
}
