package image

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// wanted is what has to be read from the layers of an image.
type wanted struct{ home, passwd, group bool }

func (w wanted) any() bool { return w.home || w.passwd || w.group }

func (w wanted) String() string {
	var out []string
	if w.home {
		out = append(out, homeVariable)
	}
	if w.passwd || w.group {
		out = append(out, "numbers of its user")
	}
	return strings.Join(out, ", ")
}

// scanned is what was read.
type scanned struct {
	Home   string `json:"home,omitempty"`
	Passwd string `json:"passwd,omitempty"`
	Group  string `json:"group,omitempty"`
}

func (s scanned) passwd(user string) []string { return entry(s.Passwd, user) }
func (s scanned) group(group string) []string { return entry(s.Group, group) }

func entry(file, name string) []string {
	for line := range strings.Lines(file) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); fields[0] == name {
			return fields
		}
	}
	return nil
}

// accountsLimit bounds /etc/passwd and /etc/group.
const accountsLimit = 1 << 20

var homeInLayer = regexp.MustCompile(`^((?:[^/]+/)*wso2is-\d[^/]*)/repository/components(?:/|$)`)

// scan streams layers from the last to the first until everything wanted is found. A layer is never held as a whole.
// The product's layers are large, so the answer is kept by the image's configuration digest.
func (b *Builder) scan(ctx context.Context, image v1.Image, want wanted) (scanned, error) {
	digest, err := image.ConfigName()
	if err != nil {
		return scanned{}, err
	}
	key := fmt.Sprintf("scan-%s-%t-%t-%t.json", digest.Hex, want.home, want.passwd, want.group)
	if kept, err := b.cached(key); err == nil {
		var out scanned
		if json.Unmarshal(kept, &out) == nil {
			return out, nil
		}
	}
	layers, err := image.Layers()
	if err != nil {
		return scanned{}, err
	}
	var out scanned
	for i := len(layers) - 1; i >= 0 && want.any(); i-- {
		if err := scanLayer(ctx, layers[i], &want, &out); err != nil {
			return scanned{}, fmt.Errorf("reading layer %d: %w", i+1, err)
		}
	}
	if kept, err := json.Marshal(out); err == nil {
		b.keep(key, kept)
	}
	return out, nil
}

func scanLayer(ctx context.Context, layer v1.Layer, want *wanted, out *scanned) error {
	stream, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer stream.Close()
	hidden := wanted{} // by this layer, for the layers below
	for entries := tar.NewReader(stream); want.any(); {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = want.read(header, entries, out, &hidden)
		}
		if err != nil {
			return err
		}
	}
	want.passwd, want.group = want.passwd && !hidden.passwd, want.group && !hidden.group
	return nil
}

// read takes what is wanted from one entry.
func (w *wanted) read(header *tar.Header, content io.Reader, out *scanned, hidden *wanted) (err error) {
	clean := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
	switch {
	case clean == "etc/passwd" && w.passwd:
		out.Passwd, err = text(header, content)
		w.passwd = false
	case clean == "etc/group" && w.group:
		out.Group, err = text(header, content)
		w.group = false
	case clean == "etc/.wh.passwd":
		hidden.passwd = true
	case clean == "etc/.wh.group":
		hidden.group = true
	case clean == "etc/.wh..wh..opq":
		hidden.passwd, hidden.group = true, true
	case w.home:
		if match := homeInLayer.FindStringSubmatch(clean); match != nil {
			out.Home, w.home = "/"+match[1], false
		}
	}
	return err
}

func text(header *tar.Header, content io.Reader) (string, error) {
	if header.Typeflag != tar.TypeReg || header.Size > accountsLimit {
		return "", invalid("reading "+header.Name, "use an image of Identity Server", "it is no plain file of less than 1 MiB")
	}
	data, err := io.ReadAll(content)
	return string(data), err
}

func (b *Builder) cached(key string) ([]byte, error) {
	if b.cacheDir == "" {
		return nil, os.ErrNotExist
	}
	return os.ReadFile(filepath.Join(b.cacheDir, key))
}

// keep writes to the cache as a whole or not at all. A cache that cannot be written costs time, not the build.
func (b *Builder) keep(key string, data []byte) {
	if b.cacheDir == "" || os.MkdirAll(b.cacheDir, 0o755) != nil {
		return
	}
	file, err := os.CreateTemp(b.cacheDir, ".tmp-*")
	if err != nil {
		return
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		_ = os.Rename(file.Name(), filepath.Join(b.cacheDir, key))
	}
}
