package identity

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"lockstep/config"
	"lockstep/config/deploymenttoml"
	"lockstep/internal/apim"
	"lockstep/internal/failure"
	"lockstep/internal/keystore"
	"lockstep/internal/manifest"
)

// Environment variables that the values refer to and that [Mend] gives to the pods. The chart has no Secret references:
// whatever stands in its values for a password ends in a ConfigMap. WSO2's config mapper replaces $env{NAME} when the
// server starts.
const (
	adminPassword    = config.AdminPasswordVariable
	keystorePassword = config.KeystorePasswordVariable
	encryptionKey    = config.EncryptionKeyVariable
)

const (
	startupPeriod   = 2 * time.Second
	readinessPeriod = 5 * time.Second
	// homeParent is where the chart expects the server folder.
	homeParent = "/home/wso2carbon/"
)

// ChartInput is what the values follow from beside the environment.
type ChartInput struct {
	// Reference is the image to run, as registry/path@sha256:… Without a digest a rebuilt image under the same tag would
	// not be noticed.
	Reference string
	// Version is the product's version in the image, as 7.2.0: the chart mounts the stores into wso2is-<Version>. Not
	// needed with Home.
	Version string
	// Home is WSO2_SERVER_HOME of the image, if known.
	Home string
}

// Values composes the values of the identity-server chart (7.1.0-3 and 7.2.0-x): the environment's, then the user's
// over them. No secret is in them.
func Values(env config.Environment, in ChartInput) (map[string]any, error) {
	if err := manifest.CheckNames(env.IdentityServer.Values); err != nil {
		return nil, failure.Final(failure.InvalidConfig, "composing values of Identity Server: %w", err)
	}
	image, err := manifest.ParseImage(in.Reference)
	if err != nil {
		return nil, failure.Final(failure.InvalidConfig, "composing values of Identity Server: %w", err)
	}
	pack, version, err := product(in)
	if err != nil {
		return nil, failure.Final(failure.InvalidConfig, "composing values of Identity Server: %w", err)
	}
	own := map[string]any{
		"deployment":     deployment(env, image, pack, version),
		"deploymentToml": deploymentTOML(env),
	}
	merged := config.MergeValues(own, env.IdentityServer.Values)
	extra, err := extraConfigs(env)
	if err != nil {
		return nil, failure.Final(failure.InvalidConfig, "composing values of Identity Server: %w", err)
	}
	return config.MergeValues(merged, map[string]any{"deploymentToml": map[string]any{"extraConfigs": extra}}), nil
}

// product gives the two parts of the folder's name that the chart puts together again.
func product(in ChartInput) (pack, version string, err error) {
	if in.Home == "" {
		if in.Version == "" {
			return "", "", failure.Final(failure.InvalidConfig, "the product version of image %s is unknown: build it from an image that sets WSO2_SERVER_HOME", in.Reference)
		}
		return "wso2is", in.Version, nil
	}
	folder, found := strings.CutPrefix(strings.TrimSuffix(in.Home, "/"), homeParent)
	dash := strings.LastIndex(folder, "-")
	if !found || dash < 0 || strings.Contains(folder, "/") {
		return "", "", failure.Final(failure.InvalidConfig, "image %s has its server in %s, but the chart mounts stores below %s<name>-<version>: use an image laid out so",
			in.Reference, in.Home, homeParent)
	}
	return folder[:dash], folder[dash+1:], nil
}

func deployment(env config.Environment, image manifest.Image, pack, version string) map[string]any {
	limit := time.Duration(env.Timeouts.IdentityServer)
	return map[string]any{
		// A node without AppArmor rejects the pod, and the ReplicaSet makes new ones without pause.
		"apparmor": map[string]any{"enabled": false},
		// The Gateway takes the place of the Ingress, but the server's own host name is taken from here.
		// Chart 7.1 makes the Ingress whatever stands here; without a controller of its class it does nothing.
		"ingress": map[string]any{"enabled": false, "hostName": env.Hostnames.KeyManager, "tlsSecretsName": cmp.Or(env.Certificates.GatewayTLS, config.FormerListenerSecret)},
		"image": map[string]any{
			"registry": image.Registry, "repository": image.Repository, "tag": image.Tag, "digest": image.Digest,
			"pullPolicy": "IfNotPresent",
		},
		"replicas":                max(1, env.IdentityServer.Replicas),
		"progressDeadlineSeconds": int(limit.Seconds()),
		"productPackName":         pack,
		"buildVersion":            version,
		"externalJKS":             map[string]any{"enabled": true, "secretName": keystore.ISSecret},
		"startupProbe": map[string]any{"initialDelaySeconds": 2, "periodSeconds": int(startupPeriod.Seconds()),
			"failureThreshold": manifest.Tries(limit, startupPeriod)},
		"readinessProbe": map[string]any{"initialDelaySeconds": 2, "periodSeconds": int(readinessPeriod.Seconds())},
	}
}

func deploymentTOML(env config.Environment) map[string]any {
	store := func(file string) map[string]any {
		return map[string]any{"fileName": file, "type": "PKCS12", "alias": keystore.Alias,
			"password": fromEnv(keystorePassword), "keyPassword": fromEnv(keystorePassword)}
	}
	return map[string]any{
		"superAdmin": map[string]any{"username": env.Credentials.AdminUsername, "password": fromEnv(adminPassword)},
		"encryption": map[string]any{"key": fromEnv(encryptionKey)},
		"oauth":      map[string]any{"authorizeAllScopes": true}, // unknown to chart 7.1: Mend does it there
		"keystore": map[string]any{
			"tls": store(keystore.TLSP12), "primary": store(keystore.PrimaryP12), "internal": store(keystore.InternalP12),
		},
		"truststore": map[string]any{"fileName": keystore.TruststoreP12, "type": "PKCS12", "password": fromEnv(keystorePassword)},
	}
}

func fromEnv(name string) string { return "$env{" + name + "}" }

// extraConfigs is raw configuration for what the chart has no values for: role creation by API Manager's connector,
// its access to /scim2/Me, and the listener that tells API Manager of revoked tokens (apim-km-wso2is). Where the user's
// own text has such a table, that one is taken. The listener's type must be this one, and its header must name the
// connector's type: with any other it does nothing, silently.
func extraConfigs(env config.Environment) (string, error) {
	own, err := deploymenttoml.ReadOwn(env)
	if err != nil {
		return "", err
	}
	var parts []string
	add := func(given bool, text string) {
		if !given {
			parts = append(parts, text)
		}
	}
	add(own.RoleManagement != nil, `[role_mgt]
allow_system_prefix_for_role = true
`)
	add(own.MeAccess, `[[resource.access_control]]
context = "(.*)/scim2/Me"
secure = true
http_method = "GET"
cross_tenant = true
permissions = []
scopes = []
`)
	add(len(own.Listeners) > 0, fmt.Sprintf(`[[event_listener]]
id = "token_revocation"
type = %q
name = %q
order = 1

[event_listener.properties]
notification_endpoint = %q
username = %q
password = %q
'header.X-WSO2-KEY-MANAGER' = "WSO2-IS"
`, deploymenttoml.RevocationListenerType, deploymenttoml.RevocationListener, apim.NotificationURL(env), env.Credentials.AdminUsername, fromEnv(adminPassword)))
	if users := manifest.Text(env.IdentityServer.Values, "deploymentToml", "extraConfigs"); users != "" {
		parts = append(parts, users)
	}
	return strings.Join(parts, "\n"), nil
}
