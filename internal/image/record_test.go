package image

import (
	"context"
	"crypto/sha1"
	"fmt"
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
