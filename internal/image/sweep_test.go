package image

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// twoPlatforms is a world whose base is an index.
func twoPlatforms(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", platformIndex(t,
		server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome), server(t, "arm64", "802", "WSO2_SERVER_HOME="+testHome)))
	return w
}

func lacks(t *testing.T, w *world, before State) State {
	t.Helper()
	var err error
	if before.Lacked, before.LackedParts, err = w.builder.Lacks(context.Background(), spec(), nil); err != nil {
		t.Fatal(err)
	}
	return before
}

// there says which of the digests the repository of the target has.
func there(t *testing.T, w *world, digests []string) (found []string) {
	t.Helper()
	for _, digest := range digests {
		if _, err := remote.Head(w.registry.ref(t, "team/is-km@"+digest)); err == nil {
			found = append(found, digest)
		}
	}
	return found
}

func TestUndoRemovesAnIndexWithItsParts(t *testing.T) {
	w := twoPlatforms(t)
	before := lacks(t, w, look(t, w))
	if len(before.LackedParts) != 2 {
		t.Fatalf("lacked: %+v", before)
	}
	built := mustBuild(t, w, spec())
	if err := restore(w, before, built); err != nil {
		t.Fatal(err)
	}
	if left := there(t, w, before.pushed()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestUndoKeepsThePartsThatWereThereBefore(t *testing.T) {
	w := twoPlatforms(t)
	one := spec()
	one.Platforms = []string{"linux/amd64"}
	former := mustBuild(t, w, one)
	before := lacks(t, w, look(t, w))
	built := mustBuild(t, w, spec())
	if err := restore(w, before, built); err != nil {
		t.Fatal(err)
	}
	if got := look(t, w).Digest; got != former.Digest {
		t.Errorf("under the tag: %s, want %s", got, former.Digest)
	}
	if left := there(t, w, before.pushed()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestUndoKeepsPartsThatAnotherTagHoldsByNow(t *testing.T) {
	w := twoPlatforms(t)
	before := lacks(t, w, look(t, w))
	built := mustBuild(t, w, spec())
	theirs := spec()
	theirs.Target = "registry.example.com/team/is-km:theirs"
	mustBuild(t, w, theirs)
	if err := restore(w, before, built); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.pushed(), there(t, w, before.pushed())); diff != "" {
		t.Error(diff)
	}
}

func TestUndoRemovesThePartsOfAnIndexThatWasNeverComplete(t *testing.T) {
	w := twoPlatforms(t)
	before := lacks(t, w, look(t, w))
	w.registry.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		refused := req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, "/manifests/1")
		if refused {
			rw.WriteHeader(http.StatusForbidden)
		}
		return refused
	})
	if _, err := w.builder.Build(context.Background(), spec(), nil); err == nil {
		t.Fatal("the registry took it")
	}
	if len(there(t, w, before.LackedParts)) != 2 {
		t.Fatal("no part was pushed before the whole")
	}
	if err := restore(w, before, Built{}); err != nil {
		t.Fatal(err)
	}
	if left := there(t, w, before.pushed()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestARegistryThatCannotDeleteKeepsWhatIsUnderNoTag(t *testing.T) {
	w := twoPlatforms(t)
	one := spec()
	one.Platforms = []string{"linux/amd64"}
	former := mustBuild(t, w, one)
	before := lacks(t, w, look(t, w))
	built := mustBuild(t, w, spec())
	w.registry.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodDelete {
			rw.WriteHeader(http.StatusMethodNotAllowed)
		}
		return req.Method == http.MethodDelete
	})
	if err := restore(w, before, built); err != nil {
		t.Error(err)
	}
	if got := look(t, w).Digest; got != former.Digest {
		t.Errorf("under the tag: %s, want %s", got, former.Digest)
	}
}
