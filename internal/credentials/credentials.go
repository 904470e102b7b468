// Package credentials keeps the Secret with an environment's passwords and encryption keys: it makes what is missing, once, and checks
// what somebody brought. Whatever is read becomes a secret of the activity that reads it.
package credentials

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/manifest"
	"lockstep/internal/redact"
)

// Keys of the Secret. It also has those that the user's chart values refer to.
const (
	AdminPassword     = "adminPassword"
	KeystorePassword  = "keystorePassword"
	APIMEncryptionKey = "apimEncryptionKey"
	ISEncryptionKey   = "isEncryptionKey"
)

// Secrets reads and makes the Secrets of a cluster.
type Secrets interface {
	Secret(ctx context.Context, namespace, name string) (data map[string][]byte, found bool, err error)
	CreateSecret(ctx context.Context, namespace, name string, typ corev1.SecretType, labels map[string]string, data map[string][]byte) (made bool, err error)
}

// Values are the contents of the Secret, by key.
type Values map[string][]byte

// Of is the value under a key.
func (v Values) Of(key string) string { return string(v[key]) }

// Ensure makes passwords and encryption keys once, and checks those that are there. They are never changed afterwards: what the
// products encrypted with them could not be read any more.
func Ensure(ctx context.Context, secrets Secrets, env config.Environment) (made bool, err error) {
	if env.Credentials.Secret == "" {
		made, err = secrets.CreateSecret(ctx, env.Namespace, env.CredentialsSecret(), corev1.SecretTypeOpaque, cluster.Labels(env.Name), fresh())
	}
	if err != nil || made {
		return made, err
	}
	_, err = Read(ctx, secrets, env)
	return false, err
}

func fresh() map[string][]byte {
	return map[string][]byte{
		AdminPassword: []byte(randomHex(16)), KeystorePassword: []byte(randomHex(16)),
		APIMEncryptionKey: []byte(randomHex(32)), ISEncryptionKey: []byte(randomHex(32)),
	}
}

// randomHex is n random bytes as hex digits: letters and digits alone pass unharmed through TOML, XML and shells.
func randomHex(n int) string {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes) // never fails
	return hex.EncodeToString(bytes)
}

// Read reads and checks the Secret, with the keys that the chart values in env refer to.
func Read(ctx context.Context, secrets Secrets, env config.Environment) (Values, error) {
	name := env.Namespace + "/" + env.CredentialsSecret()
	data, found, err := secrets.Secret(ctx, env.Namespace, env.CredentialsSecret())
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, failure.Final(failure.NotFound, "Secret %s does not exist: create it with the keys %s, or leave credentials.secret out to have it made",
			name, strings.Join(own(), ", "))
	}
	for _, value := range data {
		if !slices.Contains(shown(env), string(value)) {
			redact.Add(ctx, string(value))
		}
	}
	return data, check(name, data, env)
}

// shown are the names in an environment file that messages and commands to copy are made of. The Secret may hold one of them, as the user
// of a database: hidden, it would be missing wherever it stands.
func shown(env config.Environment) []string {
	return []string{env.Name, env.Namespace, env.Routing.Namespace, env.Routing.Release, env.IdentityServer.Release, env.APIManager.Release,
		env.Credentials.AdminUsername}
}

func check(name string, data map[string][]byte, env config.Environment) error {
	var missing []string
	for _, key := range append(own(), UserKeys(env)...) {
		if len(data[key]) == 0 && !slices.Contains(missing, key) {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return failure.Final(failure.InvalidConfig, "Secret %s lacks %s: add a value under each of these keys", name, strings.Join(missing, ", "))
	}
	for _, key := range []string{APIMEncryptionKey, ISEncryptionKey} {
		if raw, err := hex.DecodeString(string(data[key])); err != nil || len(raw) != 32 {
			return failure.Final(failure.InvalidConfig, "key %q of Secret %s is not 64 hex digits: make one with `openssl rand -hex 32`", key, name)
		}
	}
	return nil
}

func own() []string {
	return []string{AdminPassword, KeystorePassword, APIMEncryptionKey, ISEncryptionKey}
}

// UserKeys are the keys of the Secret that the user's chart values refer to: as $env{NAME}, or by the name of a key.
func UserKeys(env config.Environment) []string {
	keys := append(env.IdentityServer.Values.EnvReferences(), env.APIManager.Values.EnvReferences()...)
	for _, setting := range []string{"apimDBPasswordKey", "sharedDBPasswordKey"} {
		if key := manifest.Text(env.APIManager.Values, "wso2", "apim", "configurations", "existingSecret", setting); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
