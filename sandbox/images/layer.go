package images

import (
	"archive/tar"
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// created is the time of every file and image: digests must not differ between two builds.
func created() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// file is one entry of a layer. A path that ends in a slash is a directory.
type file struct {
	path    string
	content []byte
	mode    int64  // default 0644, directories 0755
	owner   int    // uid and gid
	link    string // makes it a symbolic link
}

// layer makes one layer of files, in their order.
func layer(files []file, mediaType types.MediaType) (v1.Layer, error) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, f := range files {
		if err := writer.WriteHeader(f.header()); err != nil {
			return nil, err
		}
		if _, err := writer.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(mediaType))
}

func (f file) header() *tar.Header {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Format: tar.FormatPAX,
		Name: strings.TrimPrefix(f.path, "/"), Size: int64(len(f.content)), Mode: 0o644,
		Uid: f.owner, Gid: f.owner, ModTime: created(),
	}
	if strings.HasSuffix(f.path, "/") {
		header.Typeflag, header.Mode = tar.TypeDir, 0o755
	}
	if f.link != "" {
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.link, 0o777
	}
	if f.mode != 0 {
		header.Mode = f.mode
	}
	return header
}

// filler is incompressible: pulling, pushing and mounting a layer that holds it costs what its size says.
func filler(seed string, size int) []byte {
	var key [32]byte
	copy(key[:], seed)
	content := make([]byte, size)
	_, _ = rand.NewChaCha8(key).Read(content) // never fails
	return content
}
