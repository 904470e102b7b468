package image

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"lockstep/config"
	"lockstep/internal/failure"
	"lockstep/internal/redact"
)

// Secrets reads the Secrets of a cluster.
type Secrets interface {
	Secret(ctx context.Context, namespace, name string) (data map[string][]byte, found bool, err error)
}

// Keychain finds the registry credentials that an environment's Secrets hold. It is nil if the environment names none.
func Keychain(ctx context.Context, secrets Secrets, namespace string, image config.Image) (authn.Keychain, error) {
	switch {
	case image.Credentials != nil:
		name := image.Credentials.Secret
		data, _, err := secrets.Secret(ctx, namespace, name)
		if err != nil {
			return nil, err
		}
		if len(data["username"]) == 0 || len(data["password"]) == 0 {
			return nil, failure.Final(failure.NotFound, "Secret %s/%s, named by image.credentials.secret, lacks the keys username and password: create it with "+
				"`kubectl create secret generic %s -n %s --from-literal=username=… --from-literal=password=…`", namespace, name, name, namespace)
		}
		redact.Add(ctx, string(data["password"]))
		return StaticKeychain(image, string(data["username"]), string(data["password"]))
	case image.PullSecret != "":
		name := image.PullSecret
		data, _, err := secrets.Secret(ctx, namespace, name)
		if err != nil {
			return nil, err
		}
		if len(data[".dockerconfigjson"]) == 0 {
			return nil, failure.Final(failure.NotFound, "Secret %s/%s, named by image.pullSecret, is not there or no docker config: create it with "+
				"`kubectl create secret docker-registry %s -n %s …`", namespace, name, name, namespace)
		}
		return DockerConfigKeychain(ctx, data[".dockerconfigjson"])
	}
	return nil, nil
}

// StaticKeychain gives user and password to the registry of image.target, and so to the base's if it is the same one: an account
// that may push somewhere is nothing to show to a registry that is merely pulled from.
func StaticKeychain(image config.Image, user, password string) (authn.Keychain, error) {
	ref, err := name.ParseReference(image.Target)
	if err != nil {
		return nil, invalid("reading image.target", "write it as registry/repository:tag", "%q is no image reference", image.Target)
	}
	host := ref.Context().RegistryStr()
	return keychain(func(target authn.Resource) authn.AuthConfig {
		if target.RegistryStr() != host {
			return authn.AuthConfig{}
		}
		return authn.AuthConfig{Username: user, Password: password}
	}), nil
}

// DockerConfigKeychain reads the credentials of a docker config, as Secrets of type kubernetes.io/dockerconfigjson hold it. As for
// pods, an entry with a path is for the repositories below it, and the longest path wins. Wildcards in hosts are not understood.
func DockerConfigKeychain(ctx context.Context, text []byte) (authn.Keychain, error) {
	var file struct {
		Auths map[string]authn.AuthConfig `json:"auths"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		// The decoder's own words could hold parts of the secret.
		return nil, invalid("reading the docker config of image.pullSecret", "make it with `kubectl create secret docker-registry`", "it is not the JSON it should be")
	}
	for _, auth := range file.Auths {
		redact.Add(ctx, auth.Password, auth.Auth, auth.IdentityToken, auth.RegistryToken)
	}
	return keychain(func(target authn.Resource) authn.AuthConfig {
		repository := strings.TrimPrefix(target.String(), target.RegistryStr()+"/")
		found, longest := authn.AuthConfig{}, -1
		for _, key := range slices.Sorted(maps.Keys(file.Auths)) {
			host, path := splitEntry(key)
			covers := path == "" || repository == path || strings.HasPrefix(repository, path+"/")
			if host == target.RegistryStr() && covers && len(path) > longest {
				found, longest = file.Auths[key], len(path)
			}
		}
		return found
	}), nil
}

// splitEntry reads the key of an entry: a host, or the address of a registry's API as docker login writes it for Docker Hub.
func splitEntry(key string) (host, path string) {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, path, _ = strings.Cut(strings.TrimRight(key, "/"), "/")
	if path == "v1" || path == "v2" {
		path = ""
	}
	switch host {
	case "docker.io", "registry-1.docker.io":
		host = name.DefaultRegistry
	}
	return host, path
}

// keychain finds the credentials for a registry or a repository of it.
type keychain func(target authn.Resource) authn.AuthConfig

// Resolve implements [authn.Keychain].
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	auth := k(target)
	if auth == (authn.AuthConfig{}) {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(auth), nil
}

// nobody has no credentials: an environment may ask that a registry be reached without TLS, but not that the worker's own password for it
// go there in plain text.
func nobody() authn.Keychain {
	return keychain(func(authn.Resource) authn.AuthConfig { return authn.AuthConfig{} })
}

// credentials of one place. The environment's are found by the name that its author knows, mirrored or not; then by the mirror's,
// which somebody may have written there too. The worker's own docker config is of the machine that the mirrors are of: it is asked
// for the host that is spoken to, and an account for the original is never shown to a mirror.
type credentials struct {
	given       authn.Resource
	environment authn.Keychain // nil: none
	worker      authn.Keychain
}

// Resolve implements [authn.Keychain].
func (c credentials) Resolve(spoken authn.Resource) (authn.Authenticator, error) {
	return c.ResolveContext(context.Background(), spoken)
}

// ResolveContext implements [authn.ContextKeychain].
func (c credentials) ResolveContext(ctx context.Context, spoken authn.Resource) (authn.Authenticator, error) {
	if c.environment != nil {
		for _, known := range []authn.Resource{c.given, spoken} {
			auth, err := authn.Resolve(ctx, c.environment, known)
			if err != nil || auth != authn.Anonymous {
				return auth, err
			}
		}
	}
	return authn.Resolve(ctx, c.worker, spoken)
}
