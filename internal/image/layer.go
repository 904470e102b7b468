package image

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// newLayer makes one layer of the files. The same files, home and owner give the same bytes: order and times are fixed,
// and nothing is compressed (the files are archives already, and compressed bytes change with the compressor).
func newLayer(files []artifact, l layout, mediaType types.MediaType) (v1.Layer, error) {
	content, err := archive(files, l)
	if err != nil {
		return nil, fmt.Errorf("writing the layer: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.NoCompression), tarball.WithMediaType(mediaType))
}

func archive(files []artifact, l layout) ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(files), func(a, b artifact) int { return cmp.Compare(a.path, b.path) })
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	root := strings.TrimPrefix(l.home, "/")
	for _, dir := range newFolders(sorted) {
		header := l.header(path.Join(root, dir) + "/")
		header.Typeflag, header.Mode = tar.TypeDir, 0o755
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
	}
	for _, file := range sorted {
		header := l.header(path.Join(root, file.path))
		header.Typeflag, header.Mode, header.Size = tar.TypeReg, 0o644, int64(len(file.data))
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(file.data); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

func (l layout) header(name string) *tar.Header {
	return &tar.Header{Name: name, Uid: l.uid, Gid: l.gid, ModTime: time.Unix(0, 0)}
}

// newFolders are the folders that a server does not come with, parents first. An entry for one that exists would
// change its owner and mode.
func newFolders(files []artifact) []string {
	var out []string
	for _, file := range files {
		for dir := path.Dir(file.path); dir != "." && !isShipped(dir); dir = path.Dir(dir) {
			if !slices.Contains(out, dir) {
				out = append(out, dir)
			}
		}
	}
	slices.Sort(out)
	return out
}

// isShipped is true for the folders of a server that files are commonly added to.
func isShipped(dir string) bool {
	switch dir {
	case "bin", "lib", "repository", "repository/components", "repository/components/dropins", "repository/components/lib",
		"repository/components/patches", "repository/conf", "repository/conf/identity", "repository/deployment",
		"repository/deployment/server", "repository/deployment/server/webapps", "repository/resources",
		"repository/resources/security", "repository/resources/conf", "repository/resources/identity":
		return true
	}
	return false
}
