package compile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestTheSameSourceGivesTheSameProgramInAnyFolder(t *testing.T) {
	t.Setenv("GOFLAGS", "-race") // a developer's own settings do not show
	t.Setenv("GOAMD64", "v3")
	platform := v1.Platform{OS: "linux", Architecture: "amd64"}
	var programs [][]byte
	for range 2 {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "go.mod"), "module example\n\ngo 1.26.0\n")
		write(t, filepath.Join(dir, "main.go"), "package main\n\nimport \"runtime\"\n\nfunc main() { _, file, _, _ := runtime.Caller(0); println(file) }\n")
		program := filepath.Join(t.TempDir(), "program")
		if err := Build(t.Context(), Program{Dir: dir, Package: ".", Platform: platform, Output: program}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(dir)) {
			t.Errorf("the program says that it was built in %s", dir)
		}
		programs = append(programs, data)
	}
	if !bytes.Equal(programs[0], programs[1]) {
		t.Error("the programs differ")
	}
}

func TestAnErrorShowsWhatTheCompilerSaid(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { nonsense() }\n")
	err := Build(t.Context(), Program{Dir: dir, Package: ".", Platform: v1.Platform{OS: "linux", Architecture: "arm64"}, Output: filepath.Join(dir, "out")})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("undefined: nonsense")) {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
