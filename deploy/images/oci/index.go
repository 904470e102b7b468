package oci

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Variant is a program's image for one platform with the files it is made from.
type Variant struct {
	Platform v1.Platform
	// Program is the file of the program.
	Program string
	Image   v1.Image
	// SBOM is the bill of materials, in JSON, and Referrer the manifest that ties it to Image.
	SBOM     []byte
	Referrer v1.Image
}

// Index is over the variants of a program, in their order.
func Index(variants []Variant, about About) v1.ImageIndex {
	var adds []mutate.IndexAddendum
	for _, v := range variants {
		adds = append(adds, mutate.IndexAddendum{Add: v.Image, Descriptor: v1.Descriptor{Platform: &v.Platform}})
	}
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), adds...)
	return mutate.Annotations(index, about.annotations()).(v1.ImageIndex)
}
