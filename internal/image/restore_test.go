package image

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lockstep/internal/failure"
)

const target = "registry.example.com/team/is-km:1"

func look(t *testing.T, w *world) State {
	t.Helper()
	state, err := w.builder.Look(context.Background(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func withBase(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	return w
}

func restore(w *world, before State, built Built) error {
	return w.builder.Restore(context.Background(), target, before, built, nil)
}

func TestUndoTakesAwayWhatWasNotThere(t *testing.T) {
	w := withBase(t)
	before := look(t, w)
	built := mustBuild(t, w, spec())
	if got := look(t, w); got.Digest != built.Digest {
		t.Fatalf("under the tag: %+v", got)
	}
	if err := restore(w, before, built); err != nil {
		t.Fatal(err)
	}
	if look(t, w).Exists {
		t.Error("the tag is still there")
	}
	if err := restore(w, before, built); err != nil {
		t.Errorf("a second undo: %v", err)
	}
}

func TestUndoPutsTheFormerImageBack(t *testing.T) {
	w := withBase(t)
	former, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.registry.push(t, "team/is-km:1", former)
	before := look(t, w)
	built := mustBuild(t, w, spec())
	if err := restore(w, before, built); err != nil {
		t.Fatal(err)
	}
	if got := look(t, w); got.Digest != before.Digest {
		t.Errorf("under the tag: %+v, want %+v", got, before)
	}
}

func TestUndoOfABuildThatIsNotKnownToHaveEnded(t *testing.T) {
	w := withBase(t)
	if err := restore(w, State{}, Built{}); err != nil {
		t.Errorf("nothing happened, but: %v", err)
	}
	mustBuild(t, w, spec())
	if err := restore(w, State{}, Built{}); err != nil {
		t.Error(err)
	}
	if look(t, w).Exists {
		t.Error("the tag is still there")
	}
}

func TestUndoLeavesWhatSomebodyElsePushedSince(t *testing.T) {
	w := withBase(t)
	built := mustBuild(t, w, spec())
	foreign, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.registry.push(t, "team/is-km:1", foreign)
	for name, known := range map[string]Built{"known": built, "unknown": {}} {
		if err := restore(w, State{}, known); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !look(t, w).Exists {
		t.Error("somebody else's image is gone")
	}
}

// The first attempt pushed and crashed, so the second one, if there was one, pushed nothing.
func TestUndoRemovesWhatAnAttemptPushedWhoseAnswerWasLost(t *testing.T) {
	for name, ended := range map[string]bool{"a second attempt ended": true, "none ended": false} {
		t.Run(name, func(t *testing.T) {
			w := withBase(t)
			before := look(t, w)
			var err error
			if before.Lacked, before.LackedParts, err = w.builder.Lacks(context.Background(), spec(), nil); err != nil {
				t.Fatal(err)
			}
			if uploads, mounts, puts := w.registry.counts(); uploads+mounts+puts != 0 {
				t.Errorf("looking wrote %d blobs, mounted %d, wrote %d manifests", uploads, mounts, puts)
			}
			lost, built := mustBuild(t, w, spec()), Built{}
			if before.Lacked != lost.Digest {
				t.Errorf("planned %q, built %q", before.Lacked, lost.Digest)
			}
			if again, _, err := w.builder.Lacks(context.Background(), spec(), nil); err != nil || again != "" {
				t.Errorf("it is there, but: %q, %v", again, err)
			}
			if ended {
				built = mustBuild(t, w, spec())
			}
			if err := restore(w, before, built); err != nil {
				t.Fatal(err)
			}
			if _, err := remote.Head(w.registry.ref(t, "team/is-km@"+lost.Digest)); err == nil || look(t, w).Exists {
				t.Errorf("the image is still there: %v", err)
			}
		})
	}
}

func TestUndoKeepsAnImageThatWasPushedBefore(t *testing.T) {
	w := withBase(t)
	first := spec()
	first.Target = "registry.example.com/team/is-km:other"
	mustBuild(t, w, first)
	built := mustBuild(t, w, spec())
	if err := restore(w, State{}, built); err != nil {
		t.Fatal(err)
	}
	if look(t, w).Exists {
		t.Error("the tag is still there")
	}
	w.registry.pull(t, "team/is-km@"+built.Digest)
}

func TestUndoKeepsAnImageThatSomebodyElseTaggedSince(t *testing.T) {
	w := withBase(t)
	built := mustBuild(t, w, spec())
	w.registry.push(t, "team/is-km:theirs", w.registry.pull(t, "team/is-km:1"))
	if err := restore(w, State{}, built); err != nil {
		t.Fatal(err)
	}
	if look(t, w).Exists {
		t.Error("the tag is still there")
	}
	w.registry.pull(t, "team/is-km:theirs")
}

func TestUndoKeepsAnImageWhereTagsCannotBeListed(t *testing.T) {
	w := withBase(t)
	built := mustBuild(t, w, spec())
	status := http.StatusInsufficientStorage // one that the client does not try again by itself
	w.registry.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/tags/list") {
			rw.WriteHeader(status)
			return true
		}
		return false
	})
	if err := restore(w, State{}, built); !failure.Is(err, failure.Unavailable) || !look(t, w).Exists {
		t.Errorf("a registry that cannot now: %v", err)
	}
	status = http.StatusForbidden
	if err := restore(w, State{}, built); err != nil || look(t, w).Exists {
		t.Errorf("a registry that does not: %v", err)
	}
	w.registry.pull(t, "team/is-km@"+built.Digest)
}

func TestUndoDoesNotTakeAHiccupForSomebodyElsesImage(t *testing.T) {
	w := withBase(t)
	mustBuild(t, w, spec())
	w.registry.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/sha256:") {
			rw.WriteHeader(http.StatusInsufficientStorage)
			return true
		}
		return false
	})
	if err := restore(w, State{}, Built{}); !failure.Is(err, failure.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestARegistryThatCannotDeleteSaysWhatIsLeft(t *testing.T) {
	w := withBase(t)
	built := mustBuild(t, w, spec())
	w.registry.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodDelete {
			rw.WriteHeader(http.StatusMethodNotAllowed)
		}
		return req.Method == http.MethodDelete
	})
	err := restore(w, State{}, built)
	if !failure.Is(err, failure.Conflict) || !strings.Contains(err.Error(), target+" stays there") {
		t.Errorf("got %v", err)
	}
}

func TestARegistryThatDeletesByDigestOnlyIsEnough(t *testing.T) {
	w := withBase(t)
	built := mustBuild(t, w, spec())
	w.registry.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		switch {
		case req.Method == http.MethodDelete && strings.HasSuffix(req.URL.Path, "/1"):
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = rw.Write([]byte(`{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}`))
			return true
		case req.Method == http.MethodDelete: // takes every tag of the image along
			for _, path := range []string{"1", built.Digest} {
				other := req.Clone(req.Context())
				other.URL.Path = "/v2/team/is-km/manifests/" + path
				w.registry.inner.ServeHTTP(&recorder{header: http.Header{}}, other)
			}
			rw.WriteHeader(http.StatusAccepted)
			return true
		}
		return false
	})
	if err := restore(w, State{}, built); err != nil {
		t.Error(err)
	}
}

func TestWritableBeginsAnUploadAndCancelsIt(t *testing.T) {
	w := withBase(t)
	if err := w.builder.Writable(context.Background(), target, nil); err != nil {
		t.Fatal(err)
	}
	if uploads, _, puts := w.registry.counts(); uploads+puts != 0 || w.registry.cancels != 1 {
		t.Errorf("%d blobs, %d manifests written, %d uploads cancelled", uploads, puts, w.registry.cancels)
	}
	w.registry.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost {
			rw.WriteHeader(http.StatusForbidden)
		}
		return req.Method == http.MethodPost
	})
	if err := w.builder.Writable(context.Background(), target, nil); !failure.Is(err, failure.Unauthorized) {
		t.Errorf("got %v", err)
	}
}

func TestLookTellsAbsenceFromRefusal(t *testing.T) {
	w := newWorld(t)
	if look(t, w).Exists {
		t.Error("an empty registry has the tag")
	}
	w.registry.failWith(func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(http.StatusForbidden); return true })
	if _, err := w.builder.Look(context.Background(), target, nil); !failure.Is(err, failure.Unauthorized) {
		t.Errorf("got %v", err)
	}
}
