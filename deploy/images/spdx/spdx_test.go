package spdx

import (
	"debug/buildinfo"
	"encoding/json"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"lockstep/deploy/images/compile"
)

var image = Image{Name: "lockstep-worker", Version: "v1.2.0", Revision: "0123456789abcdef", Time: time.Unix(1700000000, 0),
	Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}, Platform: v1.Platform{OS: "linux", Architecture: "arm64"}}

func TestEveryModuleIsListedWithItsChecksum(t *testing.T) {
	d, err := compose(image, &debug.BuildInfo{GoVersion: "go1.26.8 X:none", Path: "lockstep/worker", Deps: []*debug.Module{
		{Path: "github.com/BurntSushi/toml", Version: "v1.6.0", Sum: "h1:SOEGU9fKiNWd/HOJuq6+3iTQz8KNCLtVX6idSoTLdUw="},
		{Path: "github.com/docker/cli", Version: "v29.7.2+incompatible"},
		{Path: "example.com/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range d.Packages {
		got = append(got, strings.Join([]string{p.ID, p.Name, p.Version, p.Purpose}, " "))
	}
	want := []string{
		"SPDXRef-Image lockstep-worker v1.2.0 CONTAINER",
		"SPDXRef-Program lockstep/worker v1.2.0 APPLICATION",
		"SPDXRef-Go-github.com-2F-BurntSushi-2F-toml-v1.6.0 github.com/BurntSushi/toml v1.6.0 LIBRARY",
		"SPDXRef-Go-github.com-2F-docker-2F-cli-v29.7.2-2B-incompatible github.com/docker/cli v29.7.2+incompatible LIBRARY",
		"SPDXRef-Go-example.com-2F-fork-v1.0.1 example.com/fork v1.0.1 LIBRARY",
		"SPDXRef-Go-stdlib-1.26.8 stdlib 1.26.8 LIBRARY",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	toml := d.Packages[2]
	if toml.Checksums[0].Value != "48e10653d7ca88d59dfc7389baaebede24d0cfc28d08bb555fa89d4a84cb754c" {
		t.Errorf("checksum %s", toml.Checksums[0].Value)
	}
	if locator := toml.References[0].Locator; locator != "pkg:golang/github.com/burntsushi/toml@v1.6.0" {
		t.Errorf("package URL %s", locator)
	}
	if locator := d.Packages[3].References[0].Locator; locator != "pkg:golang/github.com/docker/cli@v29.7.2%2Bincompatible" {
		t.Errorf("package URL %s", locator)
	}
}

func TestADocumentOfARealProgramHoldsTogether(t *testing.T) {
	of := image
	of.Program = filepath.Join(t.TempDir(), "program")
	if err := compile.Build(t.Context(), compile.Program{Dir: filepath.Join("testdata", "program"), Package: ".", Platform: image.Platform, Output: of.Program}); err != nil {
		t.Fatal(err)
	}
	first, err := Write(of)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Write(of)
	if err != nil || string(first) != string(second) {
		t.Errorf("two documents of one program differ: %v", err)
	}
	var d Document
	if err := json.Unmarshal(first, &d); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(of.Program)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) == 0 {
		t.Fatal("the linker left no modules in the program")
	}
	if want := len(info.Deps) + 3; len(d.Packages) != want || len(d.Relationships) != want {
		t.Errorf("%d packages and %d relationships for %d modules", len(d.Packages), len(d.Relationships), len(info.Deps))
	}
	sound(t, d)
}

// sound checks what SPDX demands of identifiers and references.
func sound(t *testing.T, d Document) {
	t.Helper()
	valid, known := regexp.MustCompile(`^SPDXRef-[a-zA-Z0-9.-]+$`), map[string]bool{documentID: true}
	for _, p := range d.Packages {
		if !valid.MatchString(p.ID) || known[p.ID] {
			t.Errorf("identifier %q is not valid, or there twice", p.ID)
		}
		known[p.ID] = true
	}
	for _, r := range d.Relationships {
		if !known[r.From] || !known[r.To] {
			t.Errorf("relationship %v leads nowhere", r)
		}
	}
}

func TestWhatIsNoGoProgramIsRefused(t *testing.T) {
	of := image
	of.Program = "/etc/passwd"
	if _, err := Write(of); err == nil || !strings.Contains(err.Error(), "/etc/passwd") {
		t.Errorf("got %v", err)
	}
}
