package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"lockstep/deploy/images/publish"
)

// checkout makes a repository with one commit, which is always the same, tagged v1.2.0.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program, err := os.ReadFile(filepath.Join("testdata", "probe", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{"main.go": string(program), "go.mod": "module example\n\ngo 1.26.0\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "--quiet"}, {"add", "."},
		{"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "first"}, {"tag", "v1.2.0"},
	} {
		command := exec.Command("git", append([]string{"-C", dir}, args...)...)
		command.Env = append(command.Environ(), "GIT_COMMITTER_DATE=1700000000 +0000", "GIT_AUTHOR_DATE=1700000000 +0000",
			"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

func built(t *testing.T, o options) string {
	t.Helper()
	var said bytes.Buffer
	if err := run(t.Context(), o, &said); err != nil {
		t.Fatal(err)
	}
	return said.String()
}

// archived is the image for this machine, as docker load would find it.
func archived(t *testing.T, o options, program, tag string) v1.Image {
	t.Helper()
	local, err := name.NewTag(publish.Local(program, tag))
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(filepath.Join(o.output, program+"-linux-"+runtime.GOARCH+".tar"), &local)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// runIn unpacks the image and runs its program with nothing else around it, as a container engine would. Words with = are added to
// the environment, others are arguments.
func runIn(t *testing.T, image v1.Image, user uint32, words ...string) []byte {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("changing the root folder needs root")
	}
	root := t.TempDir()
	unpack(t, image, root)
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	command := &exec.Cmd{Path: config.Config.Entrypoint[0], Args: config.Config.Entrypoint, Env: config.Config.Env, Dir: config.Config.WorkingDir,
		SysProcAttr: &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: user, Gid: user}}}
	for _, word := range words {
		if strings.Contains(word, "=") {
			command.Env = append(command.Env, word)
		} else {
			command.Args = append(command.Args, word)
		}
	}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("running %v: %v\n%s", command.Args, err, out)
	}
	return out
}

func unpack(t *testing.T, image v1.Image, root string) {
	t.Helper()
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) { // the other user passes through
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files := mutate.Extract(image)
	defer files.Close()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		unpackEntry(t, header, r, filepath.Join(root, header.Name))
	}
}

func unpackEntry(t *testing.T, header *tar.Header, content io.Reader, path string) {
	t.Helper()
	mode := header.FileInfo().Mode()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if header.Typeflag == tar.TypeDir {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
	} else {
		data, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		t.Fatal(err)
	}
}
