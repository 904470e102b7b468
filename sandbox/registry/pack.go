package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Pack returns the archive of a chart given as a folder or as a .tgz file.
func Pack(chart string) ([]byte, error) {
	info, err := os.Stat(chart)
	if err != nil {
		return nil, fmt.Errorf("reading chart: %w", err)
	}
	if !info.IsDir() {
		data, err := os.ReadFile(chart)
		if err != nil {
			return nil, fmt.Errorf("reading chart: %w", err)
		}
		return data, nil
	}
	return packFolder(chart)
}

func packFolder(dir string) ([]byte, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("packing chart: %w", err)
	}
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	files := os.DirFS(abs)
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		header := &tar.Header{Name: path.Join(filepath.Base(abs), name), Mode: 0o644, Size: int64(len(data))}
		if err := tw.WriteHeader(header); err != nil {
			return err
		}
		_, err = tw.Write(data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("packing chart %s: %w", dir, err)
	}
	if err := tw.Close(); err != nil {
		return nil, fmt.Errorf("packing chart %s: %w", dir, err)
	}
	if err := gz.Close(); err != nil {
		return nil, fmt.Errorf("packing chart %s: %w", dir, err)
	}
	return buf.Bytes(), nil
}
