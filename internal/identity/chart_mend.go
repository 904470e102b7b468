package identity

import (
	"strings"

	"github.com/pelletier/go-toml/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/failure"
	"lockstep/internal/manifest"
)

// MendInput is what the chart cannot be told by values.
type MendInput struct {
	// CredentialsSecret holds adminPassword, keystorePassword and isEncryptionKey.
	CredentialsSecret string
	// KeystoreChecksum changes with the stores' Secret. The server reads them when it starts, so a change restarts it.
	KeystoreChecksum string
	// Restart is when the pods were last to be restarted; empty: never.
	Restart string
	// PullSecret lets the pods pull the image; empty: none. (The chart's own value for it fails to render.)
	PullSecret string
	// UserEnv are the names in the user's own $env{NAME} placeholders: each becomes a variable with that key of CredentialsSecret.
	UserEnv []string
}

// Mend completes the rendered chart, in place: the credentials become environment variables of the pods, the [oauth]
// table is added where the chart has no value for it, and pods restart when the stores or the mended configuration
// change. Variables that the chart sets itself stay as they are. It refuses a configuration or mounts with which the server would not start.
func Mend(objects []*unstructured.Unstructured, in MendInput) error {
	configs, deployments := manifest.WithTOML(objects), manifest.OfKind(objects, "Deployment")
	if len(configs) != 1 || len(deployments) != 1 {
		return failure.Final(failure.InvalidConfig, "the chart of Identity Server renders %d Deployments and %d deployment.toml, not one of each: "+
			"use the identity-server chart", len(deployments), len(configs))
	}
	digest, err := manifest.EditTOML(configs[0], authorizeAllScopes)
	if err != nil {
		return err
	}
	pods := deployments[0]
	for _, err := range []error{
		manifest.CheckMounts(pods),
		manifest.SetEnv(pods, variables(in)...),
		manifest.PullWith(pods, in.PullSecret),
		manifest.AnnotatePods(pods, "lockstep.dev/checksum-deployment.toml", digest),
		manifest.AnnotatePods(pods, "lockstep.dev/checksum-keystores", in.KeystoreChecksum),
		manifest.RestartedAt(pods, in.Restart),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// variables are the secrets that values refer to by $env{NAME}.
func variables(in MendInput) []manifest.Variable {
	all := []manifest.Variable{
		{Name: adminPassword, Secret: in.CredentialsSecret, Key: "adminPassword"},
		{Name: keystorePassword, Secret: in.CredentialsSecret, Key: "keystorePassword"},
		{Name: encryptionKey, Secret: in.CredentialsSecret, Key: "isEncryptionKey"},
	}
	for _, name := range in.UserEnv {
		all = append(all, manifest.Variable{Name: name, Secret: in.CredentialsSecret, Key: name})
	}
	return all
}

// authorizeAllScopes adds oauth.authorize_all_scopes = true where nothing is said about it. The table must come before
// [oauth.token_cleanup], which the charts render: a parent after its child overflows the stack of the server's parser
// (wso2/api-manager#4994), and a dotted key further down would belong to another table.
func authorizeAllScopes(text string) string {
	const key = "authorize_all_scopes = true"
	var said struct {
		OAuth map[string]any `toml:"oauth"`
	}
	_ = toml.Unmarshal([]byte(text), &said) // what cannot be parsed is reported by the lint that follows
	if _, set := said.OAuth["authorize_all_scopes"]; set {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch line = strings.TrimSpace(line); {
		case line == "[oauth]":
			return joined(lines[:i+1], []string{key}, lines[i+1:])
		case strings.HasPrefix(line, "[oauth.") || strings.HasPrefix(line, "[[oauth."):
			return joined(lines[:i], []string{"[oauth]", key, ""}, lines[i:])
		}
	}
	return strings.TrimRight(text, "\n") + "\n\n[oauth]\n" + key + "\n"
}

func joined(parts ...[]string) string {
	var all []string
	for _, part := range parts {
		all = append(all, part...)
	}
	return strings.Join(all, "\n")
}
