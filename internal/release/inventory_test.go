package release

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/kube"

	"lockstep/internal/release/inventory"
)

// deleting is a cluster whose update removes, as Helm's does, what is only in original, whoever's it is.
type deleting struct{ *memoryCluster }

func (c deleting) UpdateThreeWayMerge(original, target kube.ResourceList, force bool) (*kube.Result, error) {
	if _, errs := c.Delete(original.Difference(target)); len(errs) > 0 {
		return nil, errs[0]
	}
	return c.memoryCluster.UpdateThreeWayMerge(original, target, force)
}

func TestWhatAFailedRevisionBroughtIsLeftToSomebodyElseWhoHasItByNow(t *testing.T) {
	const kept, theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs}\n"
	c := newMemoryCluster()
	list := func(manifest string) kube.ResourceList {
		objects, err := c.build(strings.NewReader(manifest), false)
		if err != nil {
			t.Fatal(err)
		}
		return objects
	}
	failed := list(kept + "---\n" + theirs)
	c.put("create", failed) // without the release's name
	l := inventory.Inventory{Release: "web", Namespace: "apps", Revisions: []kube.ResourceList{failed}}
	if _, err := l.Update(deleting{c}, nil, list(kept), false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"configmaps/kept", "configmaps/theirs"}, c.has()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
