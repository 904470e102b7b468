package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"time"
)

// packed is the time of every file in an archive: archives must not differ between two builds of the same text.
func packed() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// pack writes files into a gzipped tar, sorted by path, as Helm wants a chart archive.
func pack(files map[string][]byte) ([]byte, error) {
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	writer := tar.NewWriter(compressed)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Format: tar.FormatUSTAR,
			Name: name, Mode: 0o644, Size: int64(len(files[name])), ModTime: packed(),
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}
