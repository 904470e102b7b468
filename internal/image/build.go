package image

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lockstep/internal/failure"
)

// Build makes the image and pushes it. What the target registry has already is not sent again: with the same digest
// under the tag nothing is written, with the digest under another tag only the tag is. progress may be nil.
func (b *Builder) Build(ctx context.Context, spec Spec, progress func(string)) (Built, error) {
	say := orSilent(progress)
	ready, err := b.prepare(ctx, spec, say)
	if err != nil {
		return Built{}, err
	}
	return ready.publish(ctx, say)
}

// Plan says what Build would make. It writes nothing.
func (b *Builder) Plan(ctx context.Context, spec Spec, progress func(string)) (Built, error) {
	ready, err := b.prepare(ctx, spec, orSilent(progress))
	if err != nil {
		return Built{}, err
	}
	return ready.built, nil
}

// Lacks gives the digest of the image that Build would make, if the target registry does not have it yet, and of its parts those that
// are not there either; else nothing. It writes nothing there.
func (b *Builder) Lacks(ctx context.Context, spec Spec, progress func(string)) (digest string, parts []string, err error) {
	ready, err := b.prepare(ctx, spec, orSilent(progress))
	if err != nil {
		return "", nil, err
	}
	there, err := ready.target.head(ctx, ready.target.repo.Digest(ready.built.Digest))
	if err != nil || there.Exists {
		return "", nil, err
	}
	if index, ok := ready.image.(v1.ImageIndex); ok {
		if parts, err = partsOf(index); err != nil {
			return "", nil, ready.from.explain("building "+ready.target.String(), err)
		}
	}
	parts, err = ready.target.absentOf(ctx, parts)
	return ready.built.Digest, parts, err
}

func orSilent(progress func(string)) func(string) {
	if progress == nil {
		return func(string) {}
	}
	return progress
}

// prepared is an image that is known to its digest, before anything is written.
type prepared struct {
	from, target *place
	image        assembled
	built        Built
}

func (b *Builder) prepare(ctx context.Context, spec Spec, say func(string)) (*prepared, error) {
	target, err := b.openTag(spec.Target, spec.PlainHTTP)
	if err != nil {
		return nil, err
	}
	from, err := b.resolve(ctx, spec, say)
	if err != nil {
		return nil, err
	}
	layouts, err := b.layouts(ctx, from, say)
	if err != nil {
		return nil, err
	}
	known, err := target.recorded(ctx, spec.Artifacts)
	if err != nil {
		return nil, err
	}
	files, err := b.fetch(ctx, spec.Artifacts, known, say)
	if err != nil {
		return nil, err
	}
	image, err := assemble(from, layouts, files, record(files, known))
	if err != nil {
		return nil, from.place.explain("building "+target.String(), err)
	}
	hash, err := image.Digest()
	if err != nil {
		return nil, from.place.explain("building "+target.String(), err)
	}
	return &prepared{from: from.place, target: target, image: image, built: Built{
		Digest: hash.String(), Reference: target.pinned(hash.String()),
		Home: layouts[0].home, User: layouts[0].user, Version: layouts[0].version, Platforms: platforms(from.images),
		Base: strings.TrimSuffix(from.name, "@"+from.digest.String()) + "@" + from.digest.String(), Artifacts: sums(spec.Artifacts, files),
	}}, nil
}

func (r *prepared) publish(ctx context.Context, say func(string)) (Built, error) {
	from, target, image, built := r.from, r.target, r.image, r.built
	tagged, err := target.head(ctx, target.tag())
	if err != nil {
		return Built{}, err
	}
	if tagged.Digest == built.Digest {
		say(target.String() + " is there already")
		return built, nil
	}
	there, err := target.head(ctx, target.repo.Digest(built.Digest))
	if err != nil {
		return Built{}, err
	}
	if there.Exists {
		say("setting the tag " + target.String())
		err = remote.Tag(target.tag(), image, target.with(ctx)...)
		return built, target.explain("tagging "+target.String(), err)
	}
	built.Pushed = true
	say("pushing " + target.String())
	err = push(ctx, target, image, say)
	return built, at(err, from, target).explain("pushing "+target.String(), err)
}

// at is the side that a push failed at: layers come from one registry while they go to the other, and a connection that
// breaks does not say which of the two it was.
func at(err error, from, target *place) *place {
	if err == nil || from.repo.RegistryStr() == target.repo.RegistryStr() {
		return target
	}
	if strings.Contains(err.Error(), from.repo.RegistryStr()) {
		return from
	}
	if kindOf(err) == failure.Unavailable {
		both := *target
		both.host = from.host + " and " + target.host
		return &both
	}
	return target
}

func push(ctx context.Context, target *place, image assembled, say func(string)) error {
	updates := make(chan v1.Update, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		report(updates, say)
	}()
	err := remote.Push(target.tag(), image, target.with(ctx, remote.WithProgress(updates))...)
	<-done
	return err
}

// report says how far a push is, once per tenth.
func report(updates <-chan v1.Update, say func(string)) {
	var tenth int64
	for u := range updates {
		if u.Error != nil || u.Total == 0 || u.Complete*10/u.Total <= tenth {
			continue
		}
		tenth = u.Complete * 10 / u.Total
		say(fmt.Sprintf("pushed %d of %d MiB", u.Complete>>20, u.Total>>20))
	}
}
