package chart

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"

	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"lockstep/internal/failure"
)

func readPath(path string) (Chart, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Chart{}, failed(NotFound, "give a chart folder or a .tgz on the worker's machine", "chart path %q does not exist", path)
	}
	if err == nil && info.IsDir() {
		return readFolder(path)
	}
	if err == nil && !info.Mode().IsRegular() {
		return Chart{}, failed(Invalid, "give a chart folder or a .tgz on the worker's machine", "chart path %q is neither a folder nor a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return Chart{}, unreadable(err)
	}
	defer func() { _ = file.Close() }()
	archive, err := readAtMost(file, maxChartSize)
	if err != nil {
		return Chart{}, unreadable(err)
	}
	return unpack(archive)
}

// unreadable is for what the machine refuses to read.
func unreadable(err error) error {
	e := failure.Final(failure.InvalidConfig, "reading chart: %w", err)
	e.Next = "let the worker read it"
	return e
}

func readFolder(path string) (Chart, error) {
	loaded, err := loader.LoadDir(path)
	if err != nil {
		return Chart{}, invalid(err)
	}
	return Chart{loaded, digestOf(pack(loaded.Raw))}, nil
}

// pack writes a folder's files the same way whatever their order, times and owners are.
func pack(files []*helm.File) []byte {
	sorted := slices.SortedFunc(slices.Values(files), func(a, b *helm.File) int { return cmp.Compare(a.Name, b.Name) })
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed) // writing to a buffer does not fail
	for _, file := range sorted {
		_ = archive.WriteHeader(&tar.Header{Name: file.Name, Mode: 0o644, Size: int64(len(file.Data)), Format: tar.FormatPAX})
		_, _ = archive.Write(file.Data)
	}
	_ = archive.Close()
	return packed.Bytes()
}

func unpack(archive []byte) (Chart, error) {
	loaded, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		return Chart{}, invalid(err)
	}
	return Chart{loaded, digestOf(archive)}, nil
}
