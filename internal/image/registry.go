package image

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"lockstep/internal/failure"
)

// place is a repository as the cluster names it and as this process speaks to it.
type place struct {
	field   string          // the setting that names it
	given   name.Reference  // as the cluster names it
	repo    name.Repository // as spoken to: the mirror's, if there is one
	host    string          // the registry as its operator knows it
	options []remote.Option
	guard   http.RoundTripper // keeps the rule of how hosts are spoken to
	auth    authn.Keychain
}

// open reads a reference and finds the way to its registry. It does not speak to it.
func (b *Builder) open(field, reference string, plainHTTP []string) (*place, error) {
	given, err := name.ParseReference(reference)
	if err != nil {
		return nil, invalid("reading "+field, "write it as registry/repository:tag", "%q is no image reference", reference)
	}
	if !b.allowed.image(reference) {
		return nil, invalid("reading "+field, "write a registry that the cluster allows", "images from %s are not allowed on this cluster", familiar(given.Context().RegistryStr()))
	}
	host := given.Context().RegistryStr()
	rule := b.rule.With(plainHTTP...)
	endpoint, plain := rule.Registry(host)
	var options []name.Option
	if plain {
		options = append(options, name.Insecure)
	}
	registry, err := name.NewRegistry(endpoint, options...)
	if err != nil {
		return nil, invalid("reading "+field, "correct the mirror of "+host, "registry %q: %w", endpoint, err)
	}
	p := &place{field: field, given: given, repo: registry.Repo(given.Context().RepositoryStr()), host: familiar(host)}
	p.guard = rule.Transport(b.transport)
	p.auth = credentials{given: given.Context(), environment: b.keychain, worker: authn.DefaultKeychain}
	if _, own := b.rule.Registry(host); plain && !own {
		p.auth = credentials{given: given.Context(), environment: b.keychain, worker: nobody()}
	}
	p.options = []remote.Option{remote.WithAuthFromKeychain(p.auth), remote.WithTransport(p.guard), remote.WithUserAgent("lockstep")}
	return p, nil
}

func (p *place) with(ctx context.Context, more ...remote.Option) []remote.Option {
	return append(append(slices.Clone(p.options), remote.WithContext(ctx)), more...)
}

// ref is the given reference at the place spoken to.
func (p *place) ref() name.Reference {
	if digest, ok := p.given.(name.Digest); ok {
		return p.repo.Digest(digest.DigestStr())
	}
	return p.tag()
}

func (p *place) tag() name.Tag { return p.repo.Tag(p.given.Identifier()) }

// pinned is repository@digest under the name that the cluster knows.
func (p *place) pinned(digest string) string { return p.repository() + "@" + digest }

func (p *place) repository() string { return p.host + "/" + p.given.Context().RepositoryStr() }

func (p *place) String() string { return p.repository() + separator(p.given) + p.given.Identifier() }

// named is the reference as it was given, without the digest if it has a tag, too: an image is the same whether its base is pinned or not.
func (p *place) named(reference string) string {
	tagged, _, isPinned := strings.Cut(reference, "@")
	if tag, err := name.NewTag(tagged, name.StrictValidation); isPinned && err == nil {
		return p.repository() + ":" + tag.TagStr()
	}
	return p.String()
}

// head asks what stands under a reference.
func (p *place) head(ctx context.Context, ref name.Reference) (State, error) {
	descriptor, err := remote.Head(ref, p.with(ctx)...)
	if err == nil {
		return State{Exists: true, Digest: descriptor.Digest.String()}, nil
	}
	if answer := new(transport.Error); errors.As(err, &answer) {
		return State{}, p.absent(err)
	}
	// Not every registry answers HEAD with a digest.
	got, err := remote.Get(ref, p.with(ctx)...)
	if err != nil {
		return State{}, p.absent(err)
	}
	return State{Exists: true, Digest: got.Digest.String()}, nil
}

// absent is nil for "there is no such thing".
func (p *place) absent(err error) error {
	if err = p.explain("looking at "+p.String(), err); failure.Is(err, failure.NotFound) {
		return nil
	}
	return err
}

func (p *place) explain(doing string, err error) error {
	return registryError(doing, p.spoken(), p.field, err)
}

// spoken is the registry with the mirror that the worker's own login has to be for.
func (p *place) spoken() string {
	if mirror := p.repo.RegistryStr(); mirror != p.given.Context().RegistryStr() {
		return p.host + " (mirror " + mirror + ")"
	}
	return p.host
}

func separator(ref name.Reference) string {
	if _, ok := ref.(name.Digest); ok {
		return "@"
	}
	return ":"
}

// familiar is how people and charts write Docker Hub.
func familiar(host string) string {
	if host == name.DefaultRegistry {
		return "docker.io"
	}
	return host
}

func platformText(p *v1.Platform) string {
	if p == nil {
		return ""
	}
	return p.String()
}
