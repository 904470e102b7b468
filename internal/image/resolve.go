package image

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"lockstep/config"
)

// Resolve finds an image in its registry and gives it back by digest, under the name that the cluster knows. field is the
// setting that names it.
func (b *Builder) Resolve(ctx context.Context, field, reference string, plainHTTP []string) (string, error) {
	p, err := b.open(field, reference, plainHTTP)
	if err != nil {
		return "", err
	}
	state, err := p.head(ctx, p.ref())
	if err != nil {
		return "", err
	}
	if !state.Exists {
		return "", &Error{Kind: ErrNotFound, Doing: "looking for " + reference, Cause: fmt.Errorf("%s does not have it", p.host),
			NextMove: "correct " + field + ", or put that image there"}
	}
	return familiar(p.given.Context().RegistryStr()) + "/" + p.given.Context().RepositoryStr() + "@" + state.Digest, nil
}

// StaticKeychain gives user and password to the registries of base and target.
func StaticKeychain(image config.Image, user, password string) (authn.Keychain, error) {
	hosts := map[string]bool{}
	for _, reference := range []string{image.Base, image.Target} {
		ref, err := name.ParseReference(reference)
		if err != nil {
			return nil, invalid("reading image references", "write them as registry/repository:tag", "%q is no image reference", reference)
		}
		hosts[ref.Context().RegistryStr()] = true
	}
	return keychain(func(host string) authn.AuthConfig {
		if !hosts[host] {
			return authn.AuthConfig{}
		}
		return authn.AuthConfig{Username: user, Password: password}
	}), nil
}

// DockerConfigKeychain reads the credentials of a docker config, as Secrets of type kubernetes.io/dockerconfigjson hold it.
func DockerConfigKeychain(text []byte) (authn.Keychain, error) {
	var file struct {
		Auths map[string]authn.AuthConfig `json:"auths"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		// The decoder's own words could hold parts of the secret.
		return nil, invalid("reading the docker config of image.pullSecret", "make it with `kubectl create secret docker-registry`", "it is not the JSON it should be")
	}
	return keychain(func(host string) authn.AuthConfig {
		for _, key := range []string{host, "https://" + host, "https://" + host + "/v1/"} {
			if auth, found := file.Auths[key]; found {
				return auth
			}
		}
		return authn.AuthConfig{}
	}), nil
}

// keychain finds the credentials of a registry by its host.
type keychain func(host string) authn.AuthConfig

// Resolve implements [authn.Keychain].
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	auth := k(target.RegistryStr())
	if auth == (authn.AuthConfig{}) {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(auth), nil
}
