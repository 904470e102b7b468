// Package oci puts programs into images: one manifest a platform, an index over them, and each platform's bill of materials as
// an OCI 1.1 referrer.
package oci

import (
	"fmt"
	"maps"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"lockstep/deploy/images/rootfs"
)

// About is what an image says of itself.
type About struct {
	// Name of the program, as worker. Version, and Revision, the commit.
	Name, Version, Revision string
	// Source is where the source can be had. May be empty.
	Source string
	// Created is the time of the commit, not of the build.
	Created time.Time
}

// Image makes the image of one platform: the base layer, and a layer with the program in file.
func Image(base v1.Layer, file string, platform v1.Platform, about About) (v1.Image, error) {
	path := rootfs.Programs + "/" + about.Name
	program, err := rootfs.Layer([]rootfs.Entry{{Path: path[1:], Mode: 0o755, Source: file}})
	if err != nil {
		return nil, fmt.Errorf("making the layer of %s: %w", about.Name, err)
	}
	created := v1.Time{Time: about.Created}
	image, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		mutate.Addendum{Layer: base, History: v1.History{Created: created, CreatedBy: "public CAs, time zones, users and folders"}},
		mutate.Addendum{Layer: program, History: v1.History{Created: created, CreatedBy: "program " + path}})
	if err != nil {
		return nil, fmt.Errorf("making the image of %s: %w", about.Name, err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Created, config.OS, config.Architecture, config.Variant = created, platform.OS, platform.Architecture, platform.Variant
	config.Config = settings(path, about)
	return mutate.ConfigFile(image, config)
}

// settings are those a container starts with. The volume says what is written to where the root is read-only.
func settings(program string, about About) v1.Config {
	return v1.Config{
		User:       rootfs.User,
		Entrypoint: []string{program},
		WorkingDir: rootfs.Settings,
		Env:        []string{"PATH=" + rootfs.Programs, "HOME=" + rootfs.Home, "LOCKSTEP_CACHE_DIR=" + rootfs.Cache},
		Volumes:    map[string]struct{}{rootfs.Cache: {}},
		Labels:     about.annotations(),
	}
}

func (a About) annotations() map[string]string {
	const prefix = "org.opencontainers.image."
	all := map[string]string{
		prefix + "title":    "lockstep-" + a.Name,
		prefix + "version":  a.Version,
		prefix + "revision": a.Revision,
		prefix + "created":  a.Created.UTC().Format(time.RFC3339),
		prefix + "source":   a.Source,
	}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}
