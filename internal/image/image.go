// Package image builds the Identity Server image of an environment: a base image plus files in one layer, pushed to
// where the cluster pulls it from. Layers of the base go from registry to registry without a stop in memory or on disk.
package image

import (
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"lockstep/config"
	"lockstep/config/mirror"
	"lockstep/internal/fence"
	"lockstep/internal/outbound"
)

// Spec is what to build.
type Spec struct {
	Base      string            // image to start from: tag or digest, one platform or several
	Target    string            // repository and tag to push to
	Platforms []string          // as linux/amd64; empty: all of the base's
	Artifacts []config.Artifact // files to add
	PlainHTTP []string          // registry hosts spoken to without TLS
}

// Built is the image as it is in the target registry.
type Built struct {
	Reference string   // repository@digest, under the name that the cluster knows
	Digest    string   // of the index, or of the only image
	Pushed    bool     // false: the registry had it already, at most the tag was set
	Home      string   // WSO2_SERVER_HOME of the image
	User      string   // the image's user, as its configuration names it
	Version   string   // of Identity Server, from Home
	Platforms []string // as linux/amd64
	// Base is the base image as it was found: repository:tag@digest.
	Base string
	// Artifacts are the files that were added, each with its SHA256.
	Artifacts []config.Artifact
}

// State is what stands under a tag.
type State struct {
	Exists bool
	Digest string
	// Lacked is what Lacks said, for Restore: what Build pushed is known from it even if Build's own answer was lost.
	Lacked string `json:",omitempty"`
	// LackedParts are the images of single platforms in it, as far as the registry did not have them either.
	LackedParts []string `json:",omitempty"`
}

// Options are a Builder's surroundings. The zero value works.
type Options struct {
	// Mirrors are spoken to in place of the hosts they stand for.
	Mirrors mirror.Map
	// PlainHTTP lists hosts that may be reached without TLS, for every environment.
	PlainHTTP []string
	// Keychain has the environment's credentials, by the hosts that image references name. They win over those of the worker's
	// docker config, which are by the hosts that are spoken to. Nil: none.
	Keychain authn.Keychain
	// HTTP fetches artifacts; its Transport also speaks to registries. Default: a client with a timeout of 5 minutes.
	HTTP *http.Client
	// CacheDir keeps artifacts by digest, and what was read from layers. Empty: nothing is kept.
	CacheDir string
	// AllowedImage and AllowedArtifact say whether an image's registry, or the host of an artifact, may be spoken to. Default: each may.
	AllowedImage, AllowedArtifact func(string) bool
}

// Builder builds images. It is safe for concurrent use.
type Builder struct {
	rule      outbound.Rule
	keychain  authn.Keychain
	http      *http.Client      // with the rule
	transport http.RoundTripper // of registries, without it: an environment adds to the rule
	cacheDir  string
	allowed   struct{ image, artifact func(string) bool }
}

// fetchTimeout bounds one download of an artifact.
const fetchTimeout = 5 * time.Minute

// New makes a Builder.
func New(o Options) *Builder {
	transport, timeout := http.RoundTripper(outbound.Dialing()), fetchTimeout
	if o.HTTP != nil {
		timeout = o.HTTP.Timeout
		if o.HTTP.Transport != nil {
			transport = o.HTTP.Transport
		}
	}
	transport = fence.Transport(transport)
	rule := outbound.Rule{Mirrors: o.Mirrors, PlainHTTP: o.PlainHTTP}
	b := &Builder{rule: rule, keychain: o.Keychain, http: rule.Client(transport, timeout), transport: transport, cacheDir: o.CacheDir}
	b.allowed.image, b.allowed.artifact = orAny(o.AllowedImage), orAny(o.AllowedArtifact)
	return b
}

func orAny(allowed func(string) bool) func(string) bool {
	if allowed == nil {
		return func(string) bool { return true }
	}
	return allowed
}
