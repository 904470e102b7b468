// Package compile builds static, reproducible programs: the same source, toolchain and platform give the same bytes, in whichever
// folder and on whichever machine.
package compile

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Program is one main package to build.
type Program struct {
	// Dir is the folder of the module. Package is the main package below it, as ./worker.
	Dir, Package string
	// Platform to build for. Only linux is built.
	Platform v1.Platform
	// Stamp writes commit and version into the program. Only for a clean checkout: else the program depended on which stray
	// files lie around.
	Stamp bool
	// Output is the file to write.
	Output string
}

// Build compiles and links the program with the go command in PATH.
func Build(ctx context.Context, p Program) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs="+strconv.FormatBool(p.Stamp), "-ldflags", "-s -w", "-o", p.Output, p.Package)
	command.Dir = p.Dir
	command.Env = append(command.Environ(), environment(p.Platform)...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s for %s: %w\n%s", p.Package, p.Platform, err, out)
	}
	return nil
}

// environment sets all that the go command takes from it, so that a developer's own settings do not show in the result.
func environment(p v1.Platform) []string {
	return []string{
		"CGO_ENABLED=0", "GOOS=" + p.OS, "GOARCH=" + p.Architecture, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=", "GOFIPS140=off", "GODEBUG=",
	}
}
