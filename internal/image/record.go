package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lockstep/config"
	"lockstep/internal/failure"
	"lockstep/internal/outbound"
)

// An artifact without a SHA-256 is trusted on first use: the image says which file it was, and later builds of the same target take no other.

func (a artifact) sum() string { return digest{}.of(a.data) }

// key is what an artifact is recorded under: its address, which is shown without its query. One with a query has its place in the image, too,
// which is its own, whatever a query tells apart or signs.
func key(wanted config.Artifact, place string) string {
	address := outbound.Shown(wanted.URL)
	if parsed, err := url.Parse(wanted.URL); err == nil && parsed.RawQuery != "" {
		return address + "#" + place
	}
	return address
}

// first is the SHA-256 of the file that was used first, if there is one. Records used to be under addresses alone, which says nothing if
// several artifacts have the address.
func (a artifact) first(known map[string]string, wanted []config.Artifact) string {
	if sum := known[a.key]; sum != "" {
		return sum
	}
	same := 0
	for _, w := range wanted {
		if outbound.Shown(w.URL) == a.address {
			same++
		}
	}
	if same > 1 {
		return ""
	}
	return known[a.address]
}

// record is what the image says of its artifacts, and of those that images before it had: what is left out once is not forgotten. It is
// empty if there are none.
func record(files []artifact, known map[string]string) string {
	all := map[string]string{}
	maps.Copy(all, known)
	for _, file := range files {
		delete(all, file.address) // as it used to be
	}
	for _, file := range files {
		all[file.key] = file.sum()
	}
	if len(all) == 0 {
		return ""
	}
	text, _ := json.Marshal(all) // of texts; keys come out sorted
	return string(text)
}

// sums are the artifacts with the SHA-256 of what came.
func sums(wanted []config.Artifact, files []artifact) []config.Artifact {
	out := slices.Clone(wanted)
	for i := range out {
		out[i].SHA256 = files[i].sum()
	}
	return out
}

// recorded is what the image under the target's tag says of its artifacts. What cannot be read is nothing if all that are wanted have a
// SHA-256.
func (p *place) recorded(ctx context.Context, wanted []config.Artifact) (map[string]string, error) {
	trusts := slices.ContainsFunc(wanted, func(a config.Artifact) bool { return a.SHA256 == "" })
	now, err := p.head(ctx, p.tag())
	if err != nil || !now.Exists {
		return nil, err
	}
	config, err := p.configuration(ctx, now.Digest)
	if !trusts && (failure.Is(err, failure.NotFound) || failure.Is(err, failure.InvalidConfig) || failure.Is(err, failure.Refused)) {
		return nil, nil // a build mends a damaged image
	}
	if err != nil || config == nil {
		return nil, err
	}
	all, isRecord := readRecord(config.Config.Labels[labelArtifacts])
	if !isRecord && trusts {
		return nil, &failure.Error{Kind: failure.Refused, Doing: "reading the artifacts of " + p.String(), Cause: fmt.Errorf("its label %s is no list of them", labelArtifacts),
			Next: "set sha256 of every artifact, or find out who pushed that image"}
	}
	return all, nil
}

// readRecord reads what an image says, which may be anybody's: only digests are digests.
func readRecord(text string) (all map[string]string, isRecord bool) {
	if text == "" {
		return nil, true
	}
	if json.Unmarshal([]byte(text), &all) != nil {
		return nil, false
	}
	for _, sum := range all {
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
			return nil, false
		}
	}
	return all, true
}

// configuration is that of an image, or of the first one of an index; nil for what is neither.
func (p *place) configuration(ctx context.Context, digest string) (*v1.ConfigFile, error) {
	doing := "reading who built " + p.String()
	descriptor, err := remote.Get(p.repo.Digest(digest), p.with(ctx)...)
	if err != nil {
		return nil, p.explain(doing, err)
	}
	image, err := firstImage(descriptor)
	if err != nil || image == nil {
		return nil, p.explain(doing, err)
	}
	config, err := configOf(image)
	return config, p.explain(doing, err)
}

// changed refuses another file at an address than the one that was used first.
func changed(file artifact, first string) error {
	return &failure.Error{Kind: failure.Refused, Doing: "checking " + file.address + " for " + file.path,
		Cause: fmt.Errorf("it is not the file that is in the image under image.target, whose sha256 is %s", first),
		Next:  "ask its owner whether it was published again; if that is so, set sha256 of that artifact to the new one, as sha256sum prints it, else to the old one"}
}
