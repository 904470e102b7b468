package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"lockstep/internal/failure"
)

// Look says what stands under the target's tag.
func (b *Builder) Look(ctx context.Context, target string, plainHTTP []string) (State, error) {
	p, err := b.openTag(target, plainHTTP)
	if err != nil {
		return State{}, err
	}
	return p.head(ctx, p.tag())
}

// Writable makes sure that the target can be pushed to: it begins an upload and cancels it.
func (b *Builder) Writable(ctx context.Context, target string, plainHTTP []string) error {
	p, err := b.openTag(target, plainHTTP)
	if err != nil {
		return err
	}
	return p.explain("checking that "+p.repository()+" can be pushed to", p.tryUpload(ctx))
}

// Restore undoes a Build that may have happened, happened half or not at all. before is what Look saw first; built is
// what Build returned, zero if that is not known; an attempt that follows a crash finds the image and says that it pushed nothing. The tag gets its former image back, or goes. An image that this run
// did not push, and a tag that somebody else has moved since, stay. A registry that cannot delete gives
// a failure of kind Conflict and the text says what is left.
func (b *Builder) Restore(ctx context.Context, target string, before State, built Built, plainHTTP []string) error {
	p, err := b.openTag(target, plainHTTP)
	if err != nil {
		return err
	}
	now, err := p.head(ctx, p.tag())
	if err != nil {
		return err
	}
	if now.Digest != before.Digest {
		if ours, err := p.isOurs(ctx, now, built); err != nil || !ours {
			return err
		}
		if before.Exists {
			err = p.retag(ctx, before)
		} else {
			err = p.remove(ctx, now.Digest, built.Pushed || now.Digest == before.Lacked)
		}
		if err != nil {
			return err
		}
	}
	return p.sweep(ctx, before.pushed())
}

// pushed are the manifests that are in the registry only since the run, if they are: the whole, then its parts.
func (s State) pushed() []string {
	if s.Lacked == "" {
		return nil
	}
	return append([]string{s.Lacked}, s.LackedParts...)
}

// openTag is for targets, which need a tag.
func (b *Builder) openTag(target string, plainHTTP []string) (*place, error) {
	p, err := b.open("image.target", target, plainHTTP)
	if err != nil {
		return nil, err
	}
	if _, ok := p.given.(name.Tag); !ok {
		return nil, invalid("reading image.target", "write it as registry/repository:tag", "%q names a digest, which nothing can be pushed to", target)
	}
	return p, nil
}

// isOurs is true if what stands under the tag is what Build made. Without a known digest the image's label tells.
func (p *place) isOurs(ctx context.Context, now State, built Built) (bool, error) {
	if !now.Exists {
		return true, nil // somebody removed it, and what Build made is all there may be
	}
	if built.Digest != "" {
		return now.Digest == built.Digest, nil
	}
	config, err := p.configuration(ctx, now.Digest)
	if err != nil || config == nil {
		return false, err
	}
	return config.Config.Labels[labelBuilder] != "", nil
}

// firstImage is nil for what holds none: Build makes an image for every platform.
func firstImage(descriptor *remote.Descriptor) (v1.Image, error) {
	if descriptor.MediaType.IsImage() {
		return descriptor.Image()
	}
	if !descriptor.MediaType.IsIndex() {
		return nil, nil
	}
	index, err := descriptor.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) == 0 || !manifest.Manifests[0].MediaType.IsImage() {
		return nil, nil
	}
	return index.Image(manifest.Manifests[0].Digest)
}

func (p *place) retag(ctx context.Context, before State) error {
	doing := fmt.Sprintf("putting %s back under %s", before.Digest, p)
	old, err := remote.Get(p.repo.Digest(before.Digest), p.with(ctx)...)
	if err != nil {
		return p.explain(doing, err)
	}
	return p.explain(doing, remote.Tag(p.tag(), old, p.with(ctx)...))
}

// remove deletes the tag, and the image if this run pushed it and nobody tagged it since. Registries differ in which of the two they
// can delete; the blobs are their garbage collection's.
func (p *place) remove(ctx context.Context, digest string, pushed bool) error {
	keep := !pushed
	if pushed {
		var err error
		if keep, err = p.isTaggedElsewhere(ctx, digest); err != nil {
			return err
		}
	}
	tagErr := p.delete(ctx, p.tag())
	if keep {
		return tagErr
	}
	digestErr := p.delete(ctx, p.repo.Digest(digest))
	if digestErr == nil {
		if now, err := p.head(ctx, p.tag()); err == nil && !now.Exists {
			return nil // the tag went with its image
		}
	}
	return failure.Join(tagErr, digestErr)
}

// maxTags is how many tags of a repository are looked at. Among more, one has to be taken for pointing to the image.
const maxTags = 200

// isTaggedElsewhere is true if another tag of the repository points to the image, or if the registry does not tell: deleting an image
// takes all its tags along.
func (p *place) isTaggedElsewhere(ctx context.Context, digest string) (bool, error) {
	tags, known, err := p.tags(ctx)
	if err != nil || !known {
		return !known, err
	}
	for _, tag := range tags {
		if tag == p.tag().TagStr() {
			continue
		}
		if state, err := p.head(ctx, p.repo.Tag(tag)); err != nil || state.Digest == digest {
			return true, err
		}
	}
	return false, nil
}

// tags lists the repository's tags, unless the registry does not tell or there are too many.
func (p *place) tags(ctx context.Context) (tags []string, known bool, err error) {
	tags, err = remote.List(p.repo, p.with(ctx)...)
	if err = p.explain("listing the tags of "+p.repository(), err); err != nil {
		if failure.Is(err, failure.Unavailable) || ctx.Err() != nil {
			return nil, false, err
		}
		return nil, failure.Is(err, failure.NotFound), nil // the last tag of the repository went
	}
	return tags, len(tags) <= maxTags, nil
}

func (p *place) delete(ctx context.Context, ref name.Reference) error {
	err := remote.Delete(ref, p.with(ctx)...)
	left := p.repository() + separator(ref) + ref.Identifier()
	if answer := new(transport.Error); errors.As(err, &answer) && isUnsupported(answer) {
		return &failure.Error{Kind: failure.Conflict, Doing: "deleting " + left, Cause: answer,
			Next: left + " stays there: delete it with the registry's own means if it is in the way"}
	}
	if err = p.explain("deleting "+left, err); failure.Is(err, failure.NotFound) {
		return nil
	}
	return err
}

func isUnsupported(answer *transport.Error) bool {
	for _, d := range answer.Errors {
		// Registries that delete by digest only call a tag an invalid digest.
		if d.Code == transport.UnsupportedErrorCode || d.Code == transport.DigestInvalidErrorCode {
			return true
		}
	}
	return answer.StatusCode == http.StatusMethodNotAllowed || answer.StatusCode == http.StatusNotImplemented
}

// tryUpload begins an upload, which a token alone does not prove to be allowed, and cancels it.
func (p *place) tryUpload(ctx context.Context) error {
	auth, err := authn.Resolve(ctx, p.auth, p.repo)
	if err != nil {
		return err
	}
	authorized, err := transport.NewWithContext(ctx, p.repo.Registry, auth, p.guard, []string{p.repo.Scope(transport.PushScope)})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: authorized}
	start := url.URL{Scheme: p.repo.Scheme(), Host: p.repo.RegistryStr(), Path: "/v2/" + p.repo.RepositoryStr() + "/blobs/uploads/"}
	resp, err := send(ctx, client, http.MethodPost, start.String())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := transport.CheckError(resp, http.StatusAccepted, http.StatusCreated); err != nil {
		return err
	}
	if at, err := resp.Location(); err == nil {
		// Not every registry can cancel; an empty upload expires by itself.
		if cancelled, err := send(ctx, client, http.MethodDelete, at.String()); err == nil {
			cancelled.Body.Close()
		}
	}
	return nil
}

func send(ctx context.Context, client *http.Client, method, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}
