package image

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"lockstep/config"
	"lockstep/internal/failure"
)

const otherJar = "PK\x03\x04 another bundle"

func serve(w *world, file string) {
	w.maven.answer = both(file, fmt.Sprintf("%x", sha1.Sum([]byte(file))))
}

func TestAnArtifactWithoutASHA256IsTheOneThatWasUsedFirst(t *testing.T) {
	for _, indexed := range []bool{false, true} {
		w := newWorld(t)
		if base := server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome); indexed {
			w.registry.push(t, "wso2/wso2is:7.2.0", platformIndex(t, base))
		} else {
			w.registry.push(t, "wso2/wso2is:7.2.0", base)
		}
		s := spec()
		s.Artifacts[0].SHA256 = ""
		serve(w, jar)
		first := mustBuild(t, w, s)
		if diff := cmp.Diff([]config.Artifact{{URL: s.Artifacts[0].URL, SHA256: sum(jar)}}, first.Artifacts); diff != "" {
			t.Errorf("artifacts (-want +got):\n%s", diff)
		}
		if again := mustBuild(t, w, s); again.Digest != first.Digest || again.Pushed {
			t.Errorf("again: %+v", again)
		}
		serve(w, otherJar) // with a sidecar that fits, as whoever changed it makes one
		for holds, look := range map[string]func() error{
			"a build":             func() error { _, err := w.builder.Build(t.Context(), s, nil); return err },
			"drift":               func() error { _, err := w.builder.Plan(t.Context(), s, nil); return err },
			"the look beforehand": func() error { _, _, err := w.builder.Lacks(t.Context(), s, nil); return err },
		} {
			err := look()
			if !failure.Is(err, failure.Refused) || !strings.Contains(fmt.Sprint(err), "whose sha256 is "+sum(jar)) || !strings.Contains(fmt.Sprint(err), "set sha256 of that artifact") || strings.Contains(fmt.Sprint(err), sum(otherJar)) {
				t.Errorf("%s: %v", holds, err)
			}
		}
		s.Artifacts[0].SHA256 = sum(otherJar) // wanted
		if wanted := mustBuild(t, w, s); wanted.Digest == first.Digest {
			t.Error("the new file is not in the image")
		}
	}
}

// byQuery serves what the query names.
func byQuery(w *world, files map[string]string) {
	w.maven.answer = func(out http.ResponseWriter, r *http.Request) {
		file := files[r.URL.Query().Get("file")]
		both(file, fmt.Sprintf("%x", sha1.Sum([]byte(file))))(out, r)
	}
}

func TestArtifactsThatOnlyTheirQueriesTellApartAreRecordedEach(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	one, other := config.Artifact{URL: "https://maven.example.com/get.jar?file=one&sig=1", Destination: "lib/one.jar"}, config.Artifact{URL: "https://maven.example.com/get.jar?file=other", Destination: "lib/other.jar"}
	s := spec()
	s.Artifacts = []config.Artifact{one, other}
	byQuery(w, map[string]string{"one": jar, "other": otherJar})
	first := mustBuild(t, w, s)
	s.Artifacts[0].URL = "https://maven.example.com/get.jar?file=one&sig=2"
	if again := mustBuild(t, w, s); again.Digest != first.Digest {
		t.Errorf("again: %+v", again)
	}
	byQuery(w, map[string]string{"one": jar, "other": jar})
	if _, err := w.builder.Build(t.Context(), s, nil); !failure.Is(err, failure.Refused) || !strings.Contains(fmt.Sprint(err), "get.jar for lib/other.jar") || !strings.Contains(fmt.Sprint(err), sum(otherJar)) {
		t.Errorf("another file: %v", err)
	}
}

func TestAnOldRecordIsReadWhereItIsOfOneArtifact(t *testing.T) {
	one := config.Artifact{URL: "https://maven.example.com/get.jar?file=one", Destination: "lib/one.jar"}
	file := artifact{path: "lib/one.jar", address: "https://maven.example.com/get.jar", key: key(one, "lib/one.jar"), data: []byte(jar)}
	old := map[string]string{file.address: sum(otherJar), "https://maven.example.com/gone.jar": sum("gone")}
	if got := file.first(old, []config.Artifact{one}); got != sum(otherJar) {
		t.Errorf("of one: %q", got)
	}
	if got := file.first(old, []config.Artifact{one, {URL: "https://maven.example.com/get.jar?file=other"}}); got != "" {
		t.Errorf("of two: %q", got)
	}
	want := fmt.Sprintf(`{"https://maven.example.com/get.jar#lib/one.jar":%q,"https://maven.example.com/gone.jar":%q}`, sum(jar), sum("gone"))
	if got := record([]artifact{file}, old); got != want {
		t.Errorf("the record becomes %s", got)
	}
}

func TestAnArtifactThatIsLeftOutOnceIsNotForgotten(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	s := spec()
	s.Artifacts[0].SHA256 = ""
	serve(w, jar)
	mustBuild(t, w, s)
	for _, without := range [][]config.Artifact{nil, {{URL: "https://maven.example.com/x/pinned.jar", SHA256: sum(jar)}}} {
		other := s
		other.Artifacts = without
		once := mustBuild(t, w, other)
		if again := mustBuild(t, w, other); again.Digest != once.Digest || again.Pushed {
			t.Errorf("again: %+v", again)
		}
	}
	serve(w, otherJar)
	if _, err := w.builder.Build(t.Context(), s, nil); !failure.Is(err, failure.Refused) || !strings.Contains(fmt.Sprint(err), sum(jar)) {
		t.Errorf("another file: %v", err)
	}
}

func TestADamagedImageIsBuiltAnewWhereAllIsPinned(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	built := mustBuild(t, w, spec())
	damaged, err := w.registry.pull(t, "team/is-km:1").ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	w.registry.failWith(func(out http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, damaged.String()) {
			return false
		}
		http.NotFound(out, r)
		return true
	})
	serve(w, jar)
	if planned, err := w.builder.Plan(t.Context(), spec(), nil); err != nil || planned.Digest != built.Digest {
		t.Errorf("planned %+v, %v", planned, err)
	}
	loose := spec()
	loose.Artifacts[0].SHA256 = ""
	if _, err := w.builder.Plan(t.Context(), loose, nil); !failure.Is(err, failure.NotFound) {
		t.Errorf("trusted on first use: %v", err)
	}
}

func TestARecordOfSomebodyElseIsNotQuoted(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	s := spec()
	s.Artifacts[0].SHA256 = ""
	serve(w, jar)
	for _, label := range []string{"no list", `{"https://maven.example.com/x/handler.jar":"\u001b[2J"}`, `{"https://maven.example.com/x/handler.jar":"` + strings.Repeat("0", 1<<20) + `"}`} {
		image := server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome)
		config := mustConfig(t, image).DeepCopy()
		config.Config.Labels = map[string]string{labelArtifacts: label}
		image, err := mutate.ConfigFile(image, config)
		if err != nil {
			t.Fatal(err)
		}
		w.registry.push(t, "team/is-km:1", image)
		if _, err := w.builder.Build(t.Context(), s, nil); !failure.Is(err, failure.Refused) || !strings.Contains(fmt.Sprint(err), "is no list of them") || len(fmt.Sprint(err)) > 500 || strings.Contains(fmt.Sprint(err), "\x1b") {
			t.Errorf("%.40q: %.600v", label, err)
		}
		if _, err := w.builder.Plan(t.Context(), spec(), nil); err != nil {
			t.Errorf("%.40q, and all is pinned: %v", label, err)
		}
	}
}

func TestAnImageIsTheSameWhetherWhatItIsMadeOfIsPinned(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	loose := spec()
	loose.Artifacts[0].SHA256 = ""
	serve(w, jar)
	first := mustBuild(t, w, loose)
	pinned := spec()
	pinned.Base = first.Base
	if !strings.HasPrefix(pinned.Base, "docker.io/wso2/wso2is:7.2.0@sha256:") {
		t.Fatalf("the base is %s", pinned.Base)
	}
	if second := mustBuild(t, w, pinned); second.Digest != first.Digest || second.Pushed || second.Base != first.Base {
		t.Errorf("first %+v, then %+v", first, second)
	}
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome, "MOVED=1"))
	if third := mustBuild(t, w, pinned); third.Digest != first.Digest {
		t.Error("a tag that moved is followed")
	}
	pinned.Base = "docker.io/wso2/wso2is:7.2.0@sha256:" + sum("another")
	if _, err := w.builder.Build(context.Background(), pinned, nil); !failure.Is(err, failure.NotFound) || !strings.Contains(fmt.Sprint(err), sum("another")) || !strings.Contains(fmt.Sprint(err), "image.base") {
		t.Errorf("a digest that is nowhere: %v", err)
	}
}
