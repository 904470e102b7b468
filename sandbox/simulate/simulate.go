// Package simulate is what a simulated product of the sandbox is written against: the environment its pod gives it,
// and how it reaches others and is reached.
//
// A simulated program is an ordinary function. The sandbox node starts it in a process of its own, with the files its
// pod would see below a directory, and with a loopback address that stands for the pod's.
package simulate

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A Program runs until ctx ends (the pod is being stopped) and then returns nil; any error is the container's crash
// and ends its process with status 1.
type Program func(ctx context.Context, env Env) error

// Run runs the named program in the environment that the sandbox node gave this process. The program's log goes to
// stdout, which is the container's log.
func Run(ctx context.Context, programs map[string]Program, name string, getenv func(string) string, stdout io.Writer) error {
	program, ok := programs[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(programs)), ", ")
		return fmt.Errorf("no simulated program %q: this build has %s", name, known)
	}
	env, err := FromEnvironment(getenv, stdout)
	if err != nil {
		return fmt.Errorf("reading the environment of simulated program %q: %w", name, err)
	}
	return program(ctx, env)
}
