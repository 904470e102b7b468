// Package chart gets Helm charts from where the environment file says: a folder or an archive on disk, a chart repository, or an OCI
// registry. It goes through the mirrors and keeps what it downloads in a cache.
package chart

import (
	"context"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/config/mirror"
	"lockstep/internal/manifest"
	"lockstep/internal/outbound"
)

// Options are what a [Fetcher] works with.
type Options struct {
	// Mirrors redirect chart repositories and registries.
	Mirrors mirror.Map
	// PlainHTTP lists the hosts that may be reached without TLS, besides mirrors that are.
	PlainHTTP []string
	// Keychain finds registry credentials. Default: the docker config of the process.
	Keychain authn.Keychain
	// Folder is where charts by a bare path are. Empty: there are none.
	Folder string
	// Own says of a chart that whoever runs the worker names it: its path may lead anywhere. Default: of none.
	Own func(config.Chart) bool
	// Allowed says whether a chart may be fetched from where it comes. Default: every one may.
	Allowed func(config.Chart) bool
	// CacheDir keeps downloaded charts by digest. It may be removed at any time. Empty: nothing is kept.
	CacheDir string
}

// fetchTimeout bounds one download from a repository.
const fetchTimeout = 5 * time.Minute

// Fetcher gets charts. It is safe for concurrent use.
type Fetcher struct {
	options Options
	rule    outbound.Rule
	http    *http.Client // for repositories; its transport also speaks to registries
}

// New makes a fetcher. It does not connect to anything yet.
func New(options Options) *Fetcher {
	if options.Keychain == nil {
		options.Keychain = authn.DefaultKeychain
	}
	rule := outbound.Rule{Mirrors: options.Mirrors, PlainHTTP: options.PlainHTTP}
	return &Fetcher{options, rule, rule.Client(nil, fetchTimeout)}
}

// Chart is a chart and the digest of what it was read from.
type Chart struct {
	*helm.Chart
	Digest string // sha256:<hex> of its .tgz, or of a deterministic packing of its folder
	// Manifest is the digest of its manifest in a registry; empty for a chart from elsewhere.
	Manifest string
}

// Fetch gets a chart and makes sure that it is the one asked for and can be installed.
func (f *Fetcher) Fetch(ctx context.Context, c config.Chart) (Chart, error) {
	got, err := f.read(ctx, c)
	if err != nil {
		return Chart{}, err
	}
	return got, check(got.Chart, c)
}

func (f *Fetcher) read(ctx context.Context, c config.Chart) (Chart, error) {
	if f.options.Allowed != nil && !f.options.Allowed(c) {
		return Chart{}, failed(Forbidden, "take a chart from a source that the cluster allows", "charts from %s are not allowed on this cluster", outbound.Shown(c.Repository+c.OCI))
	}
	switch {
	case c.Path != "" && f.options.Own != nil && f.options.Own(c):
		return pinned(c)(readPath(c.Path))
	case c.Path != "":
		return pinned(c)(f.readNamed(c.Path))
	}
	get := f.fromRepository
	if c.OCI != "" {
		get = f.fromRegistry
	}
	archive, manifest, err := get(ctx, c)
	if err != nil {
		return Chart{}, err
	}
	if err := isPinned(c, digestOf(archive)); err != nil {
		return Chart{}, err
	}
	got, err := unpack(archive)
	if err != nil {
		return Chart{}, err
	}
	got.Manifest = manifest
	return got, f.keep(archive)
}

// pinned refuses a chart from disk that is not the one that its sha256 names.
func pinned(c config.Chart) func(Chart, error) (Chart, error) {
	return func(got Chart, err error) (Chart, error) {
		if err == nil {
			err = isPinned(c, got.Digest)
		}
		return got, err
	}
}

// CRDVersion is the annotation of a CRD that says from what version of a chart it is. Those of Gateway API say their own version.
const CRDVersion = "lockstep.dev/chart-version"

// CRDs are those in the crds folders of a chart and its subcharts, each with the annotation [CRDVersion]. What else such a folder holds is
// left out: Envoy Gateway v1.8 has policies there, which would outlive the release and deny CRDs of other versions.
func (f *Fetcher) CRDs(ctx context.Context, c config.Chart) ([]*unstructured.Unstructured, error) {
	got, err := f.Fetch(ctx, c)
	if err != nil {
		return nil, err
	}
	var crds []*unstructured.Unstructured
	for _, file := range got.CRDObjects() {
		objects, err := manifest.Decode(file.File.Data)
		if err != nil {
			return nil, invalid(err)
		}
		for _, object := range objects {
			if object.GetKind() == "CustomResourceDefinition" {
				crds = append(crds, object)
			}
		}
	}
	for _, crd := range crds {
		annotations := crd.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[CRDVersion] = got.Metadata.Version
		crd.SetAnnotations(annotations)
	}
	return crds, nil
}

// Copy is a chart of its own: Helm changes a chart while it renders it.
func (c Chart) Copy() (*helm.Chart, error) {
	files := make([]*loader.BufferedFile, len(c.Raw))
	for i, file := range c.Raw {
		files[i] = &loader.BufferedFile{Name: file.Name, Data: file.Data}
	}
	copied, err := loader.LoadFiles(files)
	if err != nil {
		return nil, invalid(err)
	}
	return copied, nil
}
