package image

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Build makes the image and pushes it. What the target registry has already is not sent again: with the same digest
// under the tag nothing is written, with the digest under another tag only the tag is. progress may be nil.
func (b *Builder) Build(ctx context.Context, spec Spec, progress func(string)) (Built, error) {
	say := progress
	if say == nil {
		say = func(string) {}
	}
	target, err := b.openTag(spec.Target, spec.PlainHTTP)
	if err != nil {
		return Built{}, err
	}
	from, err := b.resolve(ctx, spec, say)
	if err != nil {
		return Built{}, err
	}
	layouts, err := b.layouts(ctx, from, say)
	if err != nil {
		return Built{}, err
	}
	files, err := b.fetch(ctx, spec.Artifacts, say)
	if err != nil {
		return Built{}, err
	}
	image, err := assemble(from, layouts, files)
	if err != nil {
		return Built{}, from.place.explain("building "+target.String(), err)
	}
	built := Built{Home: layouts[0].home, User: layouts[0].user, Version: layouts[0].version, Platforms: platforms(from.images)}
	return b.publish(ctx, from.place, target, image, built, say)
}

func (b *Builder) publish(ctx context.Context, from, target *place, image assembled, built Built, say func(string)) (Built, error) {
	hash, err := image.Digest()
	if err != nil {
		return Built{}, from.explain("building "+target.String(), err)
	}
	built.Digest, built.Reference = hash.String(), target.pinned(hash.String())
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
	if kindOf(err) == ErrUnavailable {
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
