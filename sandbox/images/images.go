// Package images makes the sandbox's simulated container images: the layout, owners and configuration of the products'
// own images around nothing but placeholders. What runs is named by [ProgramLabel]; the sandbox node starts it.
package images

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ProgramLabel is the label that names the simulated program of an image.
const ProgramLabel = "dev.lockstep.sandbox.program"

// RealLabel names the file of the real program, and then the files of those that it works with.
const RealLabel = "dev.lockstep.sandbox.real"

// All returns the names of the simulated images, without registry host.
func All() []string {
	var names []string
	for _, image := range catalogue() {
		names = append(names, image.name)
	}
	return names
}

// Real tells the products of images that can run for real with the programs in a folder from those that lack one of them.
func Real(programs string) (runs, lacks []string) {
	for _, image := range catalogue() {
		if image.real == "" {
			continue
		}
		missing := slices.ContainsFunc(strings.Fields(image.real), func(file string) bool {
			_, err := os.Stat(filepath.Join(programs, file))
			return err != nil
		})
		if missing {
			lacks = append(lacks, image.product)
		} else {
			runs = append(runs, image.product)
		}
	}
	return runs, lacks
}

// Push builds the simulated images and pushes those that the registry (host:port, plain HTTP) lacks. An image of that
// name that differs is replaced.
func Push(ctx context.Context, registryHost string) error {
	for _, image := range catalogue() {
		tag, err := name.NewTag(registryHost+"/"+image.name, name.Insecure, name.StrictValidation)
		if err != nil {
			return fmt.Errorf("naming image %s: %w", image.name, err)
		}
		if err := image.push(tag, remote.WithContext(ctx)); err != nil {
			return fmt.Errorf("pushing simulated image %s: %w", image.name, err)
		}
	}
	return nil
}

func (s spec) push(tag name.Tag, options ...remote.Option) error {
	if len(s.platforms) > 1 {
		index, err := s.index()
		if err != nil {
			return err
		}
		if there, err := isThere(tag, index, options); there || err != nil {
			return err
		}
		return remote.WriteIndex(tag, index, options...)
	}
	image, err := s.image(s.platforms[0])
	if err != nil {
		return err
	}
	if there, err := isThere(tag, image, options); there || err != nil {
		return err
	}
	return remote.Write(tag, image, options...)
}

// isThere says whether the tag already is this very image.
func isThere(tag name.Tag, image interface{ Digest() (v1.Hash, error) }, options []remote.Option) (bool, error) {
	digest, err := image.Digest()
	if err != nil {
		return false, err
	}
	found, err := remote.Head(tag, options...)
	if answer := new(transport.Error); errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return found.Digest == digest, nil
}

// platform splits linux/amd64.
func platform(s string) *v1.Platform {
	system, architecture, _ := strings.Cut(s, "/")
	return &v1.Platform{OS: system, Architecture: architecture}
}
