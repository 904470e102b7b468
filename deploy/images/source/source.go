// Package source says which source a folder holds.
package source

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Source is a commit, and whether the folder differs from it.
type Source struct {
	// Version is the nearest tag with what came after it, else the commit's short name; with "-dirty" if the folder differs.
	Version string
	// Revision is the commit's full name; with "-dirty" if the folder differs.
	Revision string
	// Dirty: the folder holds changes, or files that git neither tracks nor ignores.
	Dirty bool
	// Time of the commit.
	Time time.Time
}

// Read asks git about the folder.
func Read(ctx context.Context, dir string) (Source, error) {
	var s Source
	var status, seconds string
	var err error
	for _, ask := range []struct {
		into *string
		args []string
	}{
		{&s.Version, []string{"describe", "--tags", "--always", "--abbrev=12"}},
		{&s.Revision, []string{"rev-parse", "HEAD"}},
		{&status, []string{"status", "--porcelain"}},
		{&seconds, []string{"show", "--no-patch", "--format=%ct", "HEAD"}},
	} {
		if *ask.into, err = git(ctx, dir, ask.args...); err != nil {
			return Source{}, err
		}
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return Source{}, fmt.Errorf("reading the time of commit %s: %w", s.Revision, err)
	}
	s.Time = time.Unix(unix, 0).UTC()
	if status != "" {
		s.Dirty, s.Version, s.Revision = true, s.Version+"-dirty", s.Revision+"-dirty"
	}
	return s, nil
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("asking git for the source's version (git %s): %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
