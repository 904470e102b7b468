package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lockstep/config"
	"lockstep/internal/failure"
)

// An artifact without a SHA-256 is trusted on first use: the image says which file it was, and later builds of the same target take no other.

func (a artifact) sum() string { return digest{}.of(a.data) }

// record is what the image says of its artifacts.
func record(files []artifact) string {
	all := map[string]string{}
	for _, file := range files {
		all[file.address] = file.sum()
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

// recorded is what the image under the target's tag says of its artifacts. It is not looked at if all that are wanted have a SHA-256.
func (p *place) recorded(ctx context.Context, wanted []config.Artifact) (map[string]string, error) {
	if !slices.ContainsFunc(wanted, func(a config.Artifact) bool { return a.SHA256 == "" }) {
		return nil, nil
	}
	now, err := p.head(ctx, p.tag())
	if err != nil || !now.Exists {
		return nil, err
	}
	config, err := p.configuration(ctx, now.Digest)
	if err != nil || config == nil {
		return nil, err
	}
	all, isRecord := readRecord(config.Config.Labels[labelArtifacts])
	if !isRecord {
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
func changed(address, first string) error {
	return &failure.Error{Kind: failure.Refused, Doing: "checking " + address,
		Cause: fmt.Errorf("it is not the file that is in the image under image.target, whose sha256 is %s", first),
		Next:  "ask its owner whether it was published again; if that is so, set sha256 of that artifact to the new one, as sha256sum prints it, else to the old one"}
}
