package chart

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"lockstep/config"
)

// chartLayer is the media type of a chart archive in a registry (Helm's OCI specification).
const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// fromRegistry downloads a chart archive from an OCI registry. The tag is resolved each time; the archive comes from
// the cache if it is there.
func (f *Fetcher) fromRegistry(ctx context.Context, c config.Chart) (archive []byte, manifest string, err error) {
	repository, err := f.repository(c.OCI)
	if err != nil {
		return nil, "", err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(f.options.Keychain), remote.WithTransport(f.http.Transport)}
	// Helm writes a version's build metadata with "_", as "+" may not be in a tag.
	tag := repository.Tag(strings.ReplaceAll(c.Version, "+", "_"))
	image, err := remote.Image(tag, options...)
	if err != nil {
		return nil, "", notPulled(c, err, func() ([]string, error) { return tagsOf(ctx, repository, options) })
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, "", notReached(c.OCI, err)
	}
	if c.Digest != "" && c.Digest != digest.String() {
		return nil, "", otherwise("chart.digest", c.Digest, fmt.Sprintf("chart %s %s in the registry", c.OCI, c.Version))
	}
	layer, err := chartOf(image, c)
	if err != nil {
		return nil, "", err
	}
	if archive, found := f.cached(layer.Digest.String()); found {
		return archive, digest.String(), nil
	}
	archive, err = f.pullLayer(image, layer.Digest, c)
	return archive, digest.String(), err
}

// repository is where the chart is fetched from: through the mirrors, over TLS unless the rule says otherwise.
func (f *Fetcher) repository(oci string) (name.Repository, error) {
	host, path, _ := strings.Cut(strings.TrimPrefix(oci, "oci://"), "/")
	endpoint, plainHTTP := f.rule.Registry(host)
	options := []name.Option{name.StrictValidation}
	if plainHTTP {
		options = append(options, name.Insecure)
	}
	repository, err := name.NewRepository(endpoint+"/"+path, options...)
	if err != nil {
		return repository, failed(NotFound, "write it as oci://registry/path/name", "chart reference %q: %v", oci, err)
	}
	return repository, nil
}

// mostTags are read to say which versions there are.
const mostTags = 10_000

// tagsOf reads pages of tags until it has enough: a registry may have any number of them.
func tagsOf(ctx context.Context, repository name.Repository, options []remote.Option) (tags []string, err error) {
	puller, err := remote.NewPuller(options...)
	if err != nil {
		return nil, err
	}
	pages, err := puller.Lister(ctx, repository)
	if err != nil {
		return nil, err
	}
	for pages.HasNext() && len(tags) < mostTags {
		page, err := pages.Next(ctx)
		if err != nil {
			return nil, err
		}
		tags = append(tags, page.Tags...)
	}
	return tags, nil
}

func notPulled(c config.Chart, err error, tags func() ([]string, error)) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return notReached(c.OCI, err)
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		if versions, listErr := tags(); listErr == nil && len(versions) > 0 {
			slices.Reverse(versions) // tags come in lexical order: the newest are last
			return noSuchVersion("chart "+c.OCI, c.Version, versions)
		}
		return failed(NotFound, "check chart.oci and chart.version", "chart %s %s is not in the registry", c.OCI, c.Version)
	case http.StatusUnauthorized, http.StatusForbidden:
		return failed(Forbidden, "give the worker's docker config access to it, and check the name", "pulling chart %s: the registry says %d", c.OCI, answer.StatusCode)
	}
	return unavailable("try again, or set a mirror", "pulling chart %s: the registry says %d", c.OCI, answer.StatusCode)
}

func chartOf(image v1.Image, c config.Chart) (v1.Descriptor, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return v1.Descriptor{}, notReached(c.OCI, err)
	}
	for _, layer := range manifest.Layers {
		if layer.MediaType == chartLayer {
			return layer, nil
		}
	}
	return v1.Descriptor{}, failed(Invalid, "check chart.oci", "%s:%s is not a Helm chart", c.OCI, c.Version)
}

func (f *Fetcher) pullLayer(image v1.Image, digest v1.Hash, c config.Chart) ([]byte, error) {
	layer, err := image.LayerByDigest(digest)
	if err != nil {
		return nil, notReached(c.OCI, err)
	}
	content, err := layer.Compressed() // verifies the digest as it is read
	if err != nil {
		return nil, notReached(c.OCI, err)
	}
	defer func() { _ = content.Close() }()
	archive, err := readAtMost(content, maxChartSize)
	if err != nil {
		return nil, notReached(c.OCI, err)
	}
	return archive, nil
}
