package release

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"lockstep/config"
)

// fetched is a chart and the digest of what it was read from.
type fetched struct {
	*chart.Chart
	Digest string // sha256:<hex>
}

// copied is a chart of its own: Helm changes a chart while it renders it.
func (f fetched) copied() (*chart.Chart, error) {
	files := make([]*loader.BufferedFile, len(f.Raw))
	for i, file := range f.Raw {
		files[i] = &loader.BufferedFile{Name: file.Name, Data: file.Data}
	}
	return loader.LoadFiles(files)
}

// fetch reads a chart from wherever it is.
func (e *Engine) fetch(ctx context.Context, c config.Chart) (fetched, error) {
	got, err := e.read(ctx, c)
	if err != nil {
		return fetched{}, err
	}
	if err := check(got.Chart, c); err != nil {
		return fetched{}, err
	}
	return got, nil
}

func (e *Engine) read(ctx context.Context, c config.Chart) (fetched, error) {
	switch {
	case c.Path != "":
		return readPath(c.Path)
	case c.OCI != "":
		archive, err := e.fromRegistry(ctx, c)
		return unpack(archive, err)
	default:
		archive, err := e.fromRepository(ctx, c)
		return unpack(archive, err)
	}
}

func readPath(path string) (fetched, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fetched{}, &Problem{Reason: ChartNotFound, Message: fmt.Sprintf("chart path %q does not exist", path),
			NextMove: "give a chart folder or a .tgz on the worker's machine", Err: err}
	}
	if err != nil {
		return fetched{}, fmt.Errorf("reading chart: %w", err)
	}
	if info.IsDir() {
		return readFolder(path)
	}
	archive, err := os.ReadFile(path)
	return unpack(archive, err)
}

func readFolder(path string) (fetched, error) {
	loaded, err := loader.LoadDir(path)
	if err != nil {
		return fetched{}, invalid(err)
	}
	return fetched{loaded, digestOf(pack(loaded.Raw))}, nil
}

// pack writes a folder's files the same way whatever their order, times and owners are.
func pack(files []*chart.File) []byte {
	sorted := slices.SortedFunc(slices.Values(files), func(a, b *chart.File) int { return cmp.Compare(a.Name, b.Name) })
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed) // writing to a buffer does not fail
	for _, file := range sorted {
		_ = archive.WriteHeader(&tar.Header{Name: file.Name, Mode: 0o644, Size: int64(len(file.Data)), Format: tar.FormatPAX})
		_, _ = archive.Write(file.Data)
	}
	_ = archive.Close()
	return packed.Bytes()
}

func unpack(archive []byte, err error) (fetched, error) {
	if err != nil {
		return fetched{}, err
	}
	loaded, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		return fetched{}, invalid(err)
	}
	return fetched{loaded, digestOf(archive)}, nil
}

// check makes sure that the chart is the one asked for and can be installed.
func check(loaded *chart.Chart, want config.Chart) error {
	got := loaded.Metadata.Version
	if want.Path != "" && want.Version != "" && !sameVersion(got, want.Version) {
		return &Problem{Reason: VersionNotFound,
			Message:  fmt.Sprintf("chart %s at %q has version %s, not %s", loaded.Name(), want.Path, got, want.Version),
			NextMove: "set chart.version to it, or leave it out"}
	}
	if err := action.CheckDependencies(loaded, loaded.Metadata.Dependencies); err != nil {
		return &Problem{Reason: ChartInvalid, Message: "chart " + loaded.Name() + ": " + oneLine(err.Error()),
			NextMove: "run helm dependency build on it", Err: err}
	}
	if loaded.Metadata.Type == "library" {
		return &Problem{Reason: ChartInvalid, Message: "chart " + loaded.Name() + " is a library chart",
			NextMove: "name a chart that can be installed"}
	}
	return nil
}

// sameVersion takes "v1.7.0" and "1.7.0" for the same.
func sameVersion(a, b string) bool {
	left, err := semver.NewVersion(a)
	right, err2 := semver.NewVersion(b)
	return a == b || err == nil && err2 == nil && left.Equal(right) && left.Metadata() == right.Metadata()
}

func invalid(err error) error {
	return &Problem{Reason: ChartInvalid, Message: "reading chart: " + oneLine(err.Error()),
		NextMove: "check that it is a packaged Helm chart", Err: err}
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// readAtMost reads all of r, up to limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %d MiB", limit>>20)
	}
	return data, err
}
