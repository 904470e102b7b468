// Package publish writes images to folders, to archives for docker load, and to registries.
package publish

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"lockstep/deploy/images/oci"
)

// Set is a program's images.
type Set struct {
	// Name of the program and tag of its images.
	Name, Tag string
	Index     v1.ImageIndex
	Variants  []oci.Variant
}

// Folder writes what docker load, skopeo, oras and scanners read: NAME/ is an OCI layout of everything, NAME-OS-ARCH.tar has one
// platform's image under its local name, NAME-OS-ARCH.spdx.json is its bill of materials.
func Folder(dir string, set Set) error {
	if err := writeLayout(filepath.Join(dir, set.Name), set); err != nil {
		return fmt.Errorf("writing the OCI layout of %s: %w", set.Name, err)
	}
	local, err := name.NewTag(Local(set.Name, set.Tag))
	if err != nil {
		return err
	}
	for _, v := range set.Variants {
		file := filepath.Join(dir, fmt.Sprintf("%s-%s-%s", set.Name, v.Platform.OS, v.Platform.Architecture))
		if err := tarball.WriteToFile(file+".tar", local, v.Image); err != nil {
			return fmt.Errorf("writing the archive of %s: %w", set.Name, err)
		}
		if err := os.WriteFile(file+".spdx.json", v.SBOM, 0o644); err != nil {
			return fmt.Errorf("writing the bill of materials of %s: %w", set.Name, err)
		}
	}
	return nil
}

// LocalPrefix is before the names of images that no registry has. Without a host, docker would look for them at Docker Hub, where
// they are anybody's.
const LocalPrefix = "localhost/lockstep"

// Local is an image's name in its archive.
func Local(program, tag string) string { return LocalPrefix + "/" + program + ":" + tag }

// refName is the annotation by which a layout names what is in it.
const refName = "org.opencontainers.image.ref.name"

func writeLayout(dir string, set Set) error {
	if err := os.RemoveAll(dir); err != nil { // of an earlier run
		return err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(set.Index, layout.WithAnnotations(map[string]string{refName: set.Tag})); err != nil {
		return err
	}
	for _, v := range set.Variants {
		if err := path.AppendImage(v.Referrer); err != nil {
			return err
		}
	}
	return nil
}

// Push pushes everything to PREFIX/NAME:TAG with the credentials of docker login, and returns the name with digest.
func Push(ctx context.Context, prefix string, set Set) (string, error) {
	tag, err := name.NewTag(prefix + "/" + set.Name + ":" + set.Tag)
	if err != nil {
		return "", fmt.Errorf("reading the registry's name: %w", err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if err := remote.WriteIndex(tag, set.Index, options...); err != nil {
		return "", fmt.Errorf("pushing %s: %w", tag, err)
	}
	for _, v := range set.Variants {
		digest, err := v.Referrer.Digest()
		if err != nil {
			return "", err
		}
		if err := remote.Write(tag.Context().Digest(digest.String()), v.Referrer, options...); err != nil {
			return "", fmt.Errorf("pushing the bill of materials of %s: %w", tag, err)
		}
	}
	digest, err := set.Index.Digest()
	return tag.Context().Digest(digest.String()).String(), err
}
