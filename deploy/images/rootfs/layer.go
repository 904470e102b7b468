// Package rootfs makes the file system of an image that starts from nothing: the files every static program needs, and the
// program. Its layers are reproducible: fixed times, sorted entries, owners by number.
package rootfs

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Entry is one file or folder. Its owner is root, so that no program can change its own image.
type Entry struct {
	// Path without a leading slash. A folder's ends with one.
	Path string
	// Mode as in tar: permissions and the sticky bit (0o1000).
	Mode int64
	// Data is a file's content. Source names the file that holds it instead, for large ones.
	Data   []byte
	Source string
}

// Layer makes a layer of the entries.
func Layer(entries []Entry) (v1.Layer, error) {
	sorted := slices.SortedFunc(slices.Values(entries), func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	open := func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(write(w, sorted)) }()
		return r, nil
	}
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer),
		tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
}

func write(out io.Writer, entries []Entry) error {
	w := tar.NewWriter(out)
	for _, e := range entries {
		if err := writeEntry(w, e); err != nil {
			return fmt.Errorf("writing /%s to the layer: %w", e.Path, err)
		}
	}
	return w.Close()
}

func writeEntry(w *tar.Writer, e Entry) error {
	header := &tar.Header{Name: e.Path, Mode: e.Mode, ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg}
	if e.Path[len(e.Path)-1] == '/' {
		header.Typeflag = tar.TypeDir
		return w.WriteHeader(header)
	}
	content, size, err := e.open()
	if err != nil {
		return err
	}
	defer content.Close()
	header.Size = size
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return err
}

func (e Entry) open() (io.ReadCloser, int64, error) {
	if e.Source == "" {
		return io.NopCloser(bytes.NewReader(e.Data)), int64(len(e.Data)), nil
	}
	file, err := os.Open(e.Source)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}
