package image

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lockstep/internal/failure"
)

// sweep deletes manifests that the registry did not have before the run: those that are under no tag by now, themselves or in an
// index. Without a tag they are in nobody's way, so a registry that deletes nothing, or not for this account, keeps them.
func (p *place) sweep(ctx context.Context, digests []string) error {
	if len(digests) == 0 {
		return nil
	}
	tagged, known, err := p.tagged(ctx)
	if err != nil || !known {
		return err
	}
	for _, digest := range digests {
		if tagged[digest] {
			continue
		}
		err := p.delete(ctx, p.repo.Digest(digest))
		if failure.Is(err, failure.Conflict) || failure.Is(err, failure.Unauthorized) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tagged are the digests under the repository's tags, with those in their indexes. They are not known of a registry that does not
// list tags, or has too many.
func (p *place) tagged(ctx context.Context) (digests map[string]bool, known bool, err error) {
	tags, known, err := p.tags(ctx)
	if err != nil || !known {
		return nil, false, err
	}
	digests = map[string]bool{}
	for _, tag := range tags {
		descriptor, err := remote.Get(p.repo.Tag(tag), p.with(ctx)...)
		if err := p.explain("looking at "+p.repository()+":"+tag, err); failure.Is(err, failure.NotFound) {
			continue // it has just gone
		} else if err != nil {
			return nil, false, err
		}
		digests[descriptor.Digest.String()] = true
		if !descriptor.MediaType.IsIndex() {
			continue
		}
		index, err := descriptor.ImageIndex()
		if err != nil {
			return nil, false, p.explain("reading "+p.repository()+":"+tag, err)
		}
		parts, err := partsOf(index)
		if err != nil {
			return nil, false, p.explain("reading "+p.repository()+":"+tag, err)
		}
		for _, part := range parts {
			digests[part] = true
		}
	}
	return digests, true, nil
}

// partsOf are the digests in an index.
func partsOf(index v1.ImageIndex) (digests []string, err error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, part := range manifest.Manifests {
		digests = append(digests, part.Digest.String())
	}
	return digests, nil
}

// absentOf are those of the digests that the repository does not have.
func (p *place) absentOf(ctx context.Context, digests []string) (absent []string, err error) {
	for _, digest := range digests {
		there, err := p.head(ctx, p.repo.Digest(digest))
		if err != nil {
			return nil, err
		}
		if !there.Exists {
			absent = append(absent, digest)
		}
	}
	return absent, nil
}
