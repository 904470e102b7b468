package activities

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"

	"lockstep/config"
	"lockstep/internal/attempt"
	"lockstep/internal/image"
)

// Image is the built image.
type Image struct {
	Reference string `json:"reference"` // repository@digest, as pods pull it
	Digest    string `json:"digest"`
	Version   string `json:"version"` // of Identity Server, from its home in the image
	Home      string `json:"home"`    // WSO2_SERVER_HOME in the image
	Pushed    bool   `json:"pushed"`
	Summary   string `json:"summary"`
	// Base is the base image as it was found, repository:tag@digest, and Artifacts are the files with what was found of each.
	Base      string            `json:"base,omitempty"`
	Artifacts []config.Artifact `json:"artifacts,omitempty"`
}

// UndoImageInput says what to put the target tag back to.
type UndoImageInput struct {
	Input
	Before image.State `json:"before"`
	Built  Image       `json:"built"` // zero if the build never ended
}

// LookImage reads what the target tag points to, and whether the registry has the image that will be built: after a crash only that
// tells whether this operation pushed it.
func (a *Activities) LookImage(ctx context.Context, in Input) (image.State, error) {
	b, err := a.builder(ctx, in.Env)
	if err != nil {
		return image.State{}, err
	}
	state, err := b.Look(ctx, in.Env.Image.Target, in.Env.Image.PlainHTTP)
	if err != nil {
		return image.State{}, err
	}
	state.Lacked, state.LackedParts, err = b.Lacks(ctx, imageSpec(in.Env.Image), attempt.Progress(ctx))
	return state, err
}

func imageSpec(i config.Image) image.Spec {
	return image.Spec{Base: i.Base, Target: i.Target, Platforms: i.Platforms, Artifacts: i.Artifacts, PlainHTTP: i.PlainHTTP}
}

// BuildImage adds the artifacts to the base image and pushes the result, unless it is there already.
func (a *Activities) BuildImage(ctx context.Context, in Input) (Image, error) {
	b, err := a.builder(ctx, in.Env)
	if err != nil {
		return Image{}, err
	}
	progress := attempt.Progress(ctx)
	built, err := b.Build(ctx, imageSpec(in.Env.Image), progress)
	if err != nil {
		return Image{}, err
	}
	summary := "unchanged"
	if built.Pushed {
		summary = "pushed"
	}
	return Image{Reference: built.Reference, Digest: built.Digest, Version: built.Version, Home: built.Home, Pushed: built.Pushed,
		Base: built.Base, Artifacts: built.Artifacts, Summary: fmt.Sprintf("%s %s", summary, shortDigest(built.Digest))}, nil
}

// UndoImage puts the target tag back. An image that this run pushed and that no tag points to is deleted, without a look at who runs
// it: pods of another environment that found the same image in the same repository meanwhile go on, but cannot be pulled anew. To see
// them all, the worker would have to be allowed to list the pods of every namespace, and of every cluster that pulls from there.
func (a *Activities) UndoImage(ctx context.Context, in UndoImageInput) error {
	b, err := a.builder(ctx, in.Env)
	if err != nil {
		return err
	}
	built := image.Built{Digest: in.Built.Digest, Pushed: in.Built.Pushed}
	return b.Restore(ctx, in.Env.Image.Target, in.Before, built, in.Env.Image.PlainHTTP)
}

func (a *Activities) builder(ctx context.Context, env config.Environment) (*image.Builder, error) {
	limits, err := a.served(env.Cluster)
	if err != nil {
		return nil, err
	}
	keychain, err := a.keychain(ctx, env)
	if err != nil {
		return nil, err
	}
	return image.New(image.Options{
		Mirrors: limits.Mirrors, PlainHTTP: limits.PlainHTTP, Keychain: keychain, CacheDir: a.cache(limits.Name, "artifacts"),
		AllowedImage: limits.Allow.Image, AllowedArtifact: limits.Allow.Artifact,
	}), nil
}

// keychain finds registry credentials in the environment's Secrets; nil if it names none.
func (a *Activities) keychain(ctx context.Context, env config.Environment) (authn.Keychain, error) {
	if env.Image.PullSecret == "" && env.Image.Credentials == nil {
		return nil, nil // nothing of the cluster is needed
	}
	c, err := a.cluster(env.Cluster)
	if err != nil {
		return nil, err
	}
	keychain, err := image.Keychain(ctx, c, env.Namespace, env.Image)
	return keychain, err
}

func shortDigest(digest string) string {
	if len(digest) > 19 {
		return digest[:19]
	}
	return digest
}
