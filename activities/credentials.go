package activities

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/manifest"
)

// Keys of the credentials Secret.
const (
	keyAdminPassword     = "adminPassword"
	keyKeystorePassword  = "keystorePassword"
	keyAPIMEncryptionKey = "apimEncryptionKey"
	keyISEncryptionKey   = "isEncryptionKey"
)

// EnsureCredentials makes passwords and encryption keys once. They are never changed afterwards: what the products encrypted with
// them could not be read any more.
func (a *Activities) EnsureCredentials(ctx context.Context, in Input) (string, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	if in.Env.Credentials.Secret != "" {
		_, err := credentials(ctx, c, in.Env)
		return "taken from Secret " + in.Env.Credentials.Secret, err
	}
	data := map[string][]byte{
		keyAdminPassword: []byte(randomHex(16)), keyKeystorePassword: []byte(randomHex(16)),
		keyAPIMEncryptionKey: []byte(randomHex(32)), keyISEncryptionKey: []byte(randomHex(32)),
	}
	made, err := c.CreateSecret(ctx, in.Env.Namespace, in.Env.CredentialsSecret(), corev1.SecretTypeOpaque, cluster.Labels(in.Env.Name), data)
	if err != nil {
		return "", classifyCluster(err)
	}
	if !made {
		_, err = credentials(ctx, c, in.Env)
	}
	return madeOrKept(made), err
}

// randomHex is n random bytes as hex digits: letters and digits alone pass unharmed through TOML, XML and shells.
func randomHex(n int) string {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes) // never fails
	return hex.EncodeToString(bytes)
}

// credentials reads and checks the credentials Secret, with the keys that the chart values in env refer to.
func credentials(ctx context.Context, c *cluster.Client, env config.Environment) (map[string][]byte, error) {
	name := env.Namespace + "/" + env.CredentialsSecret()
	data, found, err := c.Secret(ctx, env.Namespace, env.CredentialsSecret())
	if err != nil {
		return nil, classifyCluster(err)
	}
	if !found {
		return nil, failure(TypeNotFound, fmt.Sprintf("Secret %s does not exist: create it with the keys %s, or leave credentials.secret out to have it made",
			name, strings.Join(credentialKeys(), ", ")))
	}
	var missing []string
	for _, key := range append(credentialKeys(), userKeys(env)...) {
		if len(data[key]) == 0 && !slices.Contains(missing, key) {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return nil, failure(TypeInvalidConfig, fmt.Sprintf("Secret %s lacks %s: add a value under each of these keys", name, strings.Join(missing, ", ")))
	}
	for _, key := range []string{keyAPIMEncryptionKey, keyISEncryptionKey} {
		if raw, err := hex.DecodeString(string(data[key])); err != nil || len(raw) != 32 {
			return nil, failure(TypeInvalidConfig, fmt.Sprintf("key %q of Secret %s is not 64 hex digits: make one with `openssl rand -hex 32`", key, name))
		}
	}
	return data, nil
}

func credentialKeys() []string {
	return []string{keyAdminPassword, keyKeystorePassword, keyAPIMEncryptionKey, keyISEncryptionKey}
}

// userKeys are the keys of the Secret that the user's chart values refer to: as $env{NAME}, or by the name of a key.
func userKeys(env config.Environment) []string {
	keys := append(env.IdentityServer.Values.EnvReferences(), env.APIManager.Values.EnvReferences()...)
	for _, setting := range []string{"apimDBPasswordKey", "sharedDBPasswordKey"} {
		if key := manifest.Text(env.APIManager.Values, "wso2", "apim", "configurations", "existingSecret", setting); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
