// Package image keeps the images of the sandbox node, pulled from the sandbox registry as a kubelet and containerd would.
package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"lockstep/sandbox/node/rootfs"
)

// ProgramLabel names, in an image's configuration, the simulated program that stands for what the image would run.
const ProgramLabel = "dev.lockstep.sandbox.program"

// RealLabel names the file of the real program, and then the files of those that it works with.
const RealLabel = "dev.lockstep.sandbox.real"

// An Image is an image as the node has it.
type Image struct {
	ID      string    `json:"id"`   // <registry>/<repository>@<digest>, the digest of what the reference led to
	Size    int64     `json:"size"` // compressed, in bytes
	Program string    `json:"program"`
	Real    string    `json:"real,omitempty"`
	Config  v1.Config `json:"config"`
	Rootfs  string    `json:"-"` // its files; not to be written to
}

// Store keeps the images of the node below dir: one directory for each digest, and which digest a reference led to
// when it was pulled. The latter is what makes IfNotPresent keep an old image under a tag that has moved.
type Store struct {
	dir, registry string
	mu            sync.Mutex // held during a pull too: one at a time, like a kubelet by default
}

// NewStore is the store below dir that pulls from a registry, given as host:port.
func NewStore(dir, registry string) *Store {
	return &Store{dir: dir, registry: registry}
}

// Local is the image that reference led to when it was last pulled.
func (s *Store) Local(reference string) (Image, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, err := name.ParseReference(reference)
	if err != nil {
		return Image{}, false
	}
	digest, ok := s.digests()[fullName(ref)]
	if !ok {
		return Image{}, false
	}
	found, err := s.load(digest)
	found.ID = imageID(ref, digest)
	return found, err == nil
}

// Pull gets an image from the sandbox registry, which has every repository whatever its host. The errors are worded as
// containerd words them; one of our own is that of an image that no simulated program stands for.
func (s *Store) Pull(ctx context.Context, reference string) (Image, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, err := name.ParseReference(reference)
	if err != nil {
		return Image{}, fmt.Errorf("failed to parse image reference %q: %w", reference, err)
	}
	full := fullName(ref)
	source, err := s.mirrored(ref)
	if err != nil {
		return Image{}, err
	}
	platform := v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	description, err := remote.Get(source, remote.WithContext(ctx), remote.WithPlatform(platform))
	if err != nil {
		return Image{}, fmt.Errorf("failed to pull and unpack image %q: failed to resolve reference %q: %w", full, full, worded(ref, err))
	}
	found, err := description.Image()
	if err != nil {
		return Image{}, fmt.Errorf("failed to pull and unpack image %q: no match for platform %s in manifest: %w", full, platform, err)
	}
	digest := description.Digest.String()
	if _, err := s.load(digest); err != nil {
		if err := s.store(digest, found); err != nil {
			return Image{}, fmt.Errorf("failed to pull and unpack image %q: %w", full, err)
		}
	}
	pulled, err := s.load(digest)
	if err != nil {
		return Image{}, fmt.Errorf("failed to pull and unpack image %q: %w", full, err)
	}
	if pulled.Program == "" {
		return Image{}, fmt.Errorf("image %q has no label %s: the sandbox node runs simulated programs only; use an image of the sandbox or one built on it", full, ProgramLabel)
	}
	pulled.ID = imageID(ref, digest)
	return pulled, s.remember(full, digest)
}

// mirrored is the same repository on the sandbox registry.
func (s *Store) mirrored(ref name.Reference) (name.Reference, error) {
	separator := ":"
	if _, ok := ref.(name.Digest); ok {
		separator = "@"
	}
	mirrored := s.registry + "/" + ref.Context().RepositoryStr() + separator + ref.Identifier()
	return name.ParseReference(mirrored, name.Insecure)
}

// fullName is the reference with its host, as people and containerd write it.
func fullName(ref name.Reference) string {
	return strings.Replace(ref.Name(), "index.docker.io/", "docker.io/", 1)
}

func imageID(ref name.Reference, digest string) string {
	return fullName(ref.Context().Digest(digest))
}

// worded says what the registry answered as containerd does.
func worded(ref name.Reference, err error) error {
	var refused *transport.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%s: not found", fullName(ref))
	case http.StatusUnauthorized, http.StatusForbidden:
		return errors.New("pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed")
	}
	return fmt.Errorf("unexpected status from GET request to %s: %d %s", refused.Request.URL, refused.StatusCode, http.StatusText(refused.StatusCode))
}

// store unpacks the image beside its place and moves it there, so that a directory of that name is complete.
func (s *Store) store(digest string, from v1.Image) error {
	config, err := from.ConfigFile()
	if err != nil {
		return err
	}
	manifest, err := from.Manifest()
	if err != nil {
		return err
	}
	stored := Image{Program: config.Config.Labels[ProgramLabel], Real: config.Config.Labels[RealLabel], Config: config.Config, Size: manifest.Config.Size}
	for _, layer := range manifest.Layers {
		stored.Size += layer.Size
	}
	encoded, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	partial := s.path(digest) + ".partial"
	if err := rootfs.Remove(partial); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(partial, "rootfs"), 0o755); err != nil {
		return err
	}
	files := mutate.Extract(from)
	defer files.Close()
	if err := rootfs.Unpack(files, filepath.Join(partial, "rootfs")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(partial, "image.json"), encoded, 0o644); err != nil {
		return err
	}
	return os.Rename(partial, s.path(digest))
}

func (s *Store) load(digest string) (Image, error) {
	encoded, err := os.ReadFile(filepath.Join(s.path(digest), "image.json"))
	if err != nil {
		return Image{}, err
	}
	found := Image{Rootfs: filepath.Join(s.path(digest), "rootfs")}
	return found, json.Unmarshal(encoded, &found)
}

func (s *Store) path(digest string) string {
	return filepath.Join(s.dir, strings.ReplaceAll(digest, ":", "-"))
}

// digests is the digest by reference, and remember adds one.
func (s *Store) digests() map[string]string {
	digests := map[string]string{}
	if encoded, err := os.ReadFile(filepath.Join(s.dir, "references.json")); err == nil {
		_ = json.Unmarshal(encoded, &digests) // a broken file only means to pull again
	}
	return digests
}

func (s *Store) remember(reference, digest string) error {
	digests := s.digests()
	digests[reference] = digest
	encoded, err := json.MarshalIndent(digests, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "references.json"), encoded, 0o644)
}
