package images

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Programs are files of this machine that go into the images of a real node, where a container runs what its image holds, with the
// libraries that they are linked with.
type Programs struct {
	// Bin is the folder of the gateway's programs.
	Bin string
	// Sandbox simulates the products, and reads from simulate.VarReal that it does so in a container.
	Sandbox string
	// Busybox and Bash are what the products' probes and hooks use.
	Busybox, Bash string
	// Pause is the name of the image that holds a pod's namespaces.
	Pause string
	// Boot is how long the simulated products take to boot, by program.
	Boot map[string]time.Duration
}

// inContainer is where the sandbox's program lies in images.
const inContainer = "/usr/local/lib/sandbox/sandbox"

// PushReal is [Push] for a real node: the products' images hold the program that simulates them, and a shell.
func PushReal(ctx context.Context, registryHost string, p Programs) error {
	shell, err := p.shell()
	if err != nil {
		return err
	}
	sandbox, err := program(inContainer, p.Sandbox)
	if err != nil {
		return err
	}
	runs, lacks := Real(p.Bin)
	if len(runs) == 0 {
		return fmt.Errorf("making images of the gateway: %s has no program of it; run `make gateway`", p.Bin)
	}
	images := []spec{p.pause(shell)}
	for _, image := range catalogue() {
		switch {
		case image.real == "":
			image = p.product(image, shell, sandbox)
		case slices.Contains(lacks, image.product):
			continue // nothing stands for it
		default:
			if image, err = p.gateway(image); err != nil {
				return err
			}
		}
		images = append(images, image)
	}
	for _, image := range images {
		tag, err := name.NewTag(registryHost+"/"+image.name, name.Insecure, name.StrictValidation)
		if err != nil {
			return fmt.Errorf("naming image %s: %w", image.name, err)
		}
		if err := image.push(tag, remote.WithContext(ctx)); err != nil {
			return fmt.Errorf("pushing image %s: %w", image.name, err)
		}
	}
	return nil
}

// pause sleeps.
func (p Programs) pause(shell []file) spec {
	_, repository, _ := strings.Cut(p.Pause, "/")
	return spec{
		name: repository, program: "pause", product: "pause", oci: true, platforms: []string{here()},
		layers: func(string) [][]file { return [][]file{shell} },
		config: v1.Config{Entrypoint: []string{"/bin/sleep", "infinity"}, User: "65535:65535"},
	}
}

// gateway is an image of the gateway with its own program.
func (p Programs) gateway(image spec) (spec, error) {
	files, err := program(image.config.Entrypoint[0], filepath.Join(p.Bin, strings.Fields(image.real)[0]))
	if err != nil {
		return image, err
	}
	image.platforms = []string{here()}
	image.layers = func(string) [][]file { return [][]file{distroless(), files} }
	return image, nil
}

// product is a product's image whose scripts do something.
func (p Programs) product(image spec, shell, sandbox []file) spec {
	layers := image.layers
	image.platforms = []string{here()}
	image.layers = func(platform string) [][]file {
		placeholders := layers(platform)
		var scripts []file
		for _, files := range placeholders {
			for _, f := range files {
				if path.Ext(f.path) == ".sh" {
					f.content = script(image.program)
					scripts = append(scripts, f)
				}
			}
		}
		return append(placeholders, shell, sandbox, scripts)
	}
	image.config.Env = append(image.config.Env, "SANDBOX_REAL=1", "SANDBOX_BOOT="+p.Boot[image.program].String())
	return image
}

// script stands for the entrypoint of a product's image, over which its chart mounts one, and for what that runs in the end.
func script(program string) []byte {
	return fmt.Appendf(nil, "#!/bin/sh\n[ \"$1\" != stop ] || exec kill 1\nexec %s simulate %s\n", inContainer, program)
}

// libraries are those that a program is linked with, and their loader, where the program looks for them.
func libraries(name string) ([]file, error) {
	binary, err := elf.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer binary.Close()
	needed, err := binary.ImportedLibraries()
	if err != nil || len(needed) == 0 {
		return nil, err
	}
	var files []file
	for _, section := range binary.Progs {
		if section.Type == elf.PT_INTERP {
			loader, err := io.ReadAll(section.Open())
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", name, err)
			}
			needed = append(needed, string(bytes.TrimRight(loader, "\x00")))
		}
	}
	for _, library := range needed {
		source := library
		for _, folder := range []string{"/lib64", "/lib", "/usr/lib64", "/usr/lib", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu"} {
			if _, err := os.Stat(source); err != nil {
				source = filepath.Join(folder, library)
			}
		}
		at := library
		if !path.IsAbs(library) {
			at = "/usr/lib/" + library
		}
		copied, err := copyOf(at, source)
		if err != nil {
			return nil, err
		}
		files = append(files, copied)
	}
	return files, nil
}

// netcat knows what probes ask of it. That of busybox does not.
const netcat = `#!/bin/bash
[ "$1" = -z ] || { echo "nc: this one knows -z HOST PORT only" >&2; exit 2; }
exec 3<>"/dev/tcp/$2/$3"
`

// shell is a layer with what scripts, probes and hooks use.
func (p Programs) shell() ([]file, error) {
	busybox, err := program("/bin/busybox", p.Busybox)
	if err != nil {
		return nil, err
	}
	bash, err := program("/bin/bash", p.Bash)
	if err != nil {
		return nil, err
	}
	files := []file{{path: "/bin/"}}
	for _, f := range append(busybox, bash...) {
		if !slices.ContainsFunc(files, func(there file) bool { return there.path == f.path }) { // a library of both
			files = append(files, f)
		}
	}
	// Not busybox's own shell, which takes its own nc before any other.
	files = append(files, file{path: "/bin/sh", link: "bash"}, file{path: "/bin/nc", mode: 0o755, content: []byte(netcat)})
	for _, applet := range []string{"cat", "cp", "kill", "ls", "mkdir", "ps", "sleep", "timeout"} {
		files = append(files, file{path: "/bin/" + applet, link: "busybox"})
	}
	return files, nil
}

// program is a program of this machine at a path of the image, and the libraries that it needs.
func program(at, source string) ([]file, error) {
	main, err := copyOf(at, source)
	if err != nil {
		return nil, err
	}
	needs, err := libraries(source)
	return append([]file{main}, needs...), err
}

func copyOf(at, source string) (file, error) {
	content, err := os.ReadFile(source)
	if err != nil {
		return file{}, fmt.Errorf("reading program for images: %w", err)
	}
	return file{path: at, mode: 0o755, content: content}, nil
}

func here() string { return "linux/" + runtime.GOARCH }
