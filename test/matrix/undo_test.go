package matrix

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/internal/release"
	"lockstep/sandbox/fault"
	"lockstep/test/world"
)

// testFailingUndo refuses some of what compensation does: it is said what is left and how to remove it, all else is undone, and a
// teardown removes the rest as soon as it may.
func (m *matrix) testFailingUndo(t *testing.T) {
	w := m.w
	w.TheSandbox(t, refusing)
	m.reach(t, foreign)
	m.at = ""
	allowed := []func(){
		refuses("DELETE", "", "secrets", named("is-keystores"))(t, w),
		refuses("DELETE", "", "services", named(world.IdentityService))(t, w),
	}
	back := answers(
		fault.Fault{ID: "undo", Server: fault.Registry, Method: "DELETE", Status: 503, Times: 3}, // passes by itself
		fault.Fault{ID: "verify", Server: fault.APIManager, Method: "POST", Path: "/change-lifecycle", Status: 400},
	)(t, w)
	defer back()
	before, _ := snapshot(t, w)
	said := w.Expect(t, world.Failed, "deploy", "-f", world.File(t, nil))
	said.Says(t, "step verify failed", "not everything could be undone",
		"is-keystores", "kubectl delete secret is-keystores", world.IdentityService, "helm uninstall is -n apim", "kubectl delete secret lockstep.former.is.quickstart", unwanted)
	for _, undone := range []string{"credentials: ", "image: ", "routes: ", "api-manager: "} {
		if strings.Contains(last(said.Err, "not everything could be undone"), "\n"+undone) {
			t.Errorf("%sis reported:\n%s", undone, said.Err)
		}
	}
	after, _ := snapshot(t, w)
	kept := release.SnapshotSecret("is", world.Environment) // what undoing the release again would need
	want := []string{"+Secret apim/is-keystores", "+Secret apim/" + kept, "+Secret apim/sh.helm.release.v1.is.v1", "+Service apim/" + world.IdentityService}
	left := slices.DeleteFunc(before.Changed(after), func(name string) bool { return strings.HasPrefix(name, "+IPAddress.") }) // the Service's
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("what is left is not what was refused:\n%s", diff)
	}
	if n := w.Faulted(t)["undo"]; n != 3 {
		t.Errorf("the registry refused %d deletions, want 3", n)
	}
	for _, back := range slices.Backward(allowed) {
		back()
	}
	w.Expect(t, world.Done, "teardown", "--purge", "-f", world.File(t, nil))
}

// last is the part of a text that begins with a phrase.
func last(text, phrase string) string {
	if i := strings.LastIndex(text, phrase); i >= 0 {
		return text[i:]
	}
	return ""
}
