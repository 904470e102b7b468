package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"lockstep/deploy/images/compile"
	"lockstep/deploy/images/oci"
	"lockstep/deploy/images/publish"
	"lockstep/deploy/images/rootfs"
	"lockstep/deploy/images/source"
	"lockstep/deploy/images/spdx"
)

// describe is what the images say of their source, and whether the programs may say it too.
func describe(ctx context.Context, o options) (oci.About, bool, error) {
	s, err := source.Read(ctx, o.dir)
	if err != nil {
		return oci.About{}, false, err
	}
	if o.version != "" {
		s.Version = o.version
	}
	return oci.About{Version: s.Version, Revision: s.Revision, Source: o.source, Created: s.Time}, !s.Dirty, nil
}

// baseLayer takes the time zones from the Go toolchain, which is pinned as the programs' code is.
func baseLayer(ctx context.Context, dir string) (v1.Layer, error) {
	command := exec.CommandContext(ctx, "go", "env", "GOROOT")
	command.Dir = dir
	root, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("asking for the Go toolchain's folder: %w", err)
	}
	zones, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, fmt.Errorf("reading the time zones of the Go toolchain: %w", err)
	}
	entries, err := rootfs.Base(zones)
	if err != nil {
		return nil, err
	}
	return rootfs.Layer(entries)
}

func build(ctx context.Context, o options, p program, about oci.About, stamp bool, base v1.Layer) (publish.Set, error) {
	set := publish.Set{Name: p.name, Tag: about.Version}
	for _, platform := range o.platforms {
		file, err := filepath.Abs(filepath.Join(o.output, "bin", fmt.Sprintf("%s-%s-%s", p.name, platform.OS, platform.Architecture)))
		if err != nil {
			return set, err
		}
		if err := compile.Build(ctx, compile.Program{Dir: o.dir, Package: p.path, Platform: platform, Stamp: stamp, Output: file}); err != nil {
			return set, err
		}
		v, err := variant(base, file, platform, about)
		if err != nil {
			return set, err
		}
		set.Variants = append(set.Variants, v)
	}
	set.Index = oci.Index(set.Variants, about)
	return set, nil
}

func variant(base v1.Layer, file string, platform v1.Platform, about oci.About) (oci.Variant, error) {
	v := oci.Variant{Platform: platform, Program: file}
	var err error
	if v.Image, err = oci.Image(base, file, platform, about); err != nil {
		return v, err
	}
	digest, err := v.Image.Digest()
	if err != nil {
		return v, err
	}
	v.SBOM, err = spdx.Write(spdx.Image{Name: "lockstep-" + about.Name, Version: about.Version, Revision: about.Revision,
		Digest: digest, Platform: platform, Program: file, Time: about.Created})
	if err != nil {
		return v, err
	}
	v.Referrer, err = oci.Referrer(v.Image, spdx.MediaType, v.SBOM, map[string]string{"org.opencontainers.image.created": about.Created.Format("2006-01-02T15:04:05Z")})
	return v, err
}
