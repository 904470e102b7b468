package image

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// base is a resolved base image.
type base struct {
	place     *place
	name      string // as given
	digest    v1.Hash
	mediaType types.MediaType
	index     bool
	images    []platformImage
}

// platformImage is the image of one platform.
type platformImage struct {
	platform *v1.Platform
	image    v1.Image
	config   *v1.ConfigFile
}

// resolve reads manifests and configurations of the base, nothing else.
func (b *Builder) resolve(ctx context.Context, spec Spec, say func(string)) (*base, error) {
	p, err := b.open("image.base", spec.Base, spec.PlainHTTP)
	if err != nil {
		return nil, err
	}
	doing := "reading base image " + p.String()
	descriptor, err := remote.Get(p.ref(), p.with(ctx)...)
	if err != nil {
		return nil, p.explain(doing, err)
	}
	out := &base{place: p, name: p.named(spec.Base), digest: descriptor.Digest, mediaType: descriptor.MediaType}
	var images []platformImage
	switch {
	case descriptor.MediaType.IsIndex():
		out.index = true
		index, ierr := descriptor.ImageIndex()
		if ierr != nil {
			return nil, p.explain(doing, ierr)
		}
		images, err = children(index, 0, say)
	case descriptor.MediaType.IsImage():
		images, err = single(descriptor)
	default:
		return nil, invalid(doing, "use an image in OCI or Docker schema 2 format", "media type %q is not known", descriptor.MediaType)
	}
	if err != nil {
		return nil, p.explain(doing, err)
	}
	out.images, err = choose(images, spec.Platforms, doing)
	return out, p.explain(doing, err)
}

func single(descriptor *remote.Descriptor) ([]platformImage, error) {
	image, err := descriptor.Image()
	if err != nil {
		return nil, err
	}
	config, err := configOf(image)
	if err != nil {
		return nil, err
	}
	return []platformImage{{platform: config.Platform(), image: image, config: config}}, nil
}

// Bounds of what a registry may have a worker read. Real configurations have some kilobytes, real indexes a dozen entries.
const (
	maxConfigSize = 4 << 20
	maxEntries    = 256
	maxDepth      = 3
)

// configOf reads an image's configuration, after a look at how large it is.
func configOf(image v1.Image) (*v1.ConfigFile, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return nil, err
	}
	if manifest.Config.Size > maxConfigSize {
		return nil, invalid("reading the configuration of an image", "use another base image", "it has %d bytes, more than %d MiB", manifest.Config.Size, maxConfigSize>>20)
	}
	return image.ConfigFile()
}

// children lists the images of an index, those of nested indexes too. Attestations are left out: they vouch for the
// digests of the base, which the new images do not have.
func children(index v1.ImageIndex, depth int, say func(string)) ([]platformImage, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) > maxEntries || depth > maxDepth {
		return nil, invalid("reading an image index", "use another base image", "it has %d entries at depth %d, more than an image of several platforms has", len(manifest.Manifests), depth)
	}
	var out []platformImage
	for _, child := range manifest.Manifests {
		switch {
		case child.MediaType.IsIndex():
			nested, err := index.ImageIndex(child.Digest)
			if err != nil {
				return nil, err
			}
			more, err := children(nested, depth+1, say)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		case isAttestation(child) || !child.MediaType.IsImage():
			say(fmt.Sprintf("leaving out %s of the base: no image of a platform", child.Digest))
		default:
			image, err := index.Image(child.Digest)
			if err != nil {
				return nil, err
			}
			out = append(out, platformImage{platform: child.Platform, image: image})
		}
	}
	return out, nil
}

func isAttestation(d v1.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" || d.Platform != nil && d.Platform.OS == "unknown"
}

// choose keeps the wanted platforms, in the base's order, and reads their configurations.
func choose(images []platformImage, wanted []string, doing string) ([]platformImage, error) {
	var out []platformImage
	for _, text := range wanted {
		platform, err := v1.ParsePlatform(text)
		if err != nil {
			return nil, invalid(doing, "write platforms as linux/amd64", "image.platforms: %q", text)
		}
		if !has(images, platform) {
			return nil, invalid(doing, "correct image.platforms", "it has no image for %s, only %s", text, strings.Join(platforms(images), ", "))
		}
	}
	for _, image := range images {
		if !isWanted(image.platform, wanted) {
			continue
		}
		if image.config == nil {
			config, err := configOf(image.image)
			if err != nil {
				return nil, err
			}
			image.config = config
		}
		if image.platform == nil {
			image.platform = image.config.Platform()
		}
		out = append(out, image)
	}
	if len(out) == 0 {
		return nil, invalid(doing, "use an image of Identity Server", "it holds no image of any platform")
	}
	return out, nil
}

func isWanted(platform *v1.Platform, wanted []string) bool {
	for _, text := range wanted {
		if w, err := v1.ParsePlatform(text); err == nil && platform != nil && platform.Satisfies(*w) {
			return true
		}
	}
	return len(wanted) == 0
}

func has(images []platformImage, wanted *v1.Platform) bool {
	for _, image := range images {
		if image.platform != nil && image.platform.Satisfies(*wanted) {
			return true
		}
	}
	return false
}

func platforms(images []platformImage) []string {
	var out []string
	for _, image := range images {
		out = append(out, platformText(image.platform))
	}
	return out
}
