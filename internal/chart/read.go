package chart

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/ignore"

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

// readNamed reads a chart of the folder of charts. No name leads out of it, and neither does a link.
func (f *Fetcher) readNamed(path string) (Chart, error) {
	const next = "name a chart folder or a .tgz in the folder of charts that the cluster's file names"
	if f.options.Folder == "" {
		return Chart{}, failed(NotFound, "take it from a repository or a registry, or let whoever runs the worker set charts in the cluster's file", "chart path %q: this cluster has no folder of charts", path)
	}
	if !filepath.IsLocal(path) {
		return Chart{}, failed(Invalid, next, "chart path %q leads out of the folder of charts", path)
	}
	root, err := os.OpenRoot(f.options.Folder)
	if err != nil {
		return Chart{}, unreadable(err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Chart{}, failed(NotFound, next, "there is no chart %q in the folder of charts", path)
	case err != nil:
		return Chart{}, failed(Invalid, next, "chart path %q cannot be read: %v", path, err)
	case info.IsDir():
		return unpackFolder(root, path)
	case !info.Mode().IsRegular():
		return Chart{}, failed(Invalid, next, "chart path %q is no file and no folder", path)
	}
	archive, err := readRegular(root, path, maxChartSize)
	if err != nil {
		return Chart{}, failed(Invalid, next, "chart path %q cannot be read: %v", path, err)
	}
	return unpack(archive)
}

func readRegular(root *os.Root, path string, limit int64) ([]byte, error) {
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // what is a pipe does not wait for a writer
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is no regular file", path))
	}
	return readAtMost(file, limit)
}

// unpackFolder is Helm's loader.LoadDir, kept to a root.
func unpackFolder(root *os.Root, path string) (Chart, error) {
	rules := ignore.Empty()
	if text, err := readRegular(root, filepath.Join(path, ignore.HelmIgnore), 1<<20); err == nil {
		if rules, err = ignore.Parse(bytes.NewReader(text)); err != nil {
			return Chart{}, invalid(err)
		}
	}
	rules.AddDefaults()
	var files []*loader.BufferedFile
	size := int64(0)
	err := fs.WalkDir(root.FS(), filepath.ToSlash(path), func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(path, at)
		if err != nil || name == "." {
			return err
		}
		info, err := root.Stat(at) // of what a link leads to
		if err != nil {
			return err
		}
		switch ignored := rules.Ignore(name, info); {
		case entry.IsDir() && ignored:
			return filepath.SkipDir
		case info.IsDir() || ignored:
			return nil
		}
		data, err := readRegular(root, at, maxChartSize-size)
		files, size = append(files, &loader.BufferedFile{Name: filepath.ToSlash(name), Data: data}), size+int64(len(data))
		return err
	})
	if err != nil {
		return Chart{}, failed(Invalid, "make it a folder of regular files, with links to nowhere outside", "chart path %q cannot be read: %v", path, err)
	}
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return Chart{}, invalid(err)
	}
	return Chart{Chart: loaded, Digest: digestOf(pack(loaded.Raw))}, nil
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
	return Chart{Chart: loaded, Digest: digestOf(pack(loaded.Raw))}, nil
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
	return Chart{Chart: loaded, Digest: digestOf(archive)}, nil
}
