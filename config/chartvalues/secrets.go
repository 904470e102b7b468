package chartvalues

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/deploymenttoml"
)

// secretKey is how the last key of a path to a secret ends, in lower case: password, adminPassword, DB_PASSWORD, …
var secretKey = regexp.MustCompile(`(password|passwd|passphrase|privatekey|private_key|clientsecret|client_secret|secretkey|secret_key|accesskey|access_key|apikey|api_key|^token)$`)

// secretPaths are the same for keys that are secret only where they are.
var secretPaths = [...]string{"encryption.key", "tls.key", "identity.authFramework.endpoint.appPassword", "moesifAnalytics.key", "ai.key", "encryption.secret"}

// secretName matches keys that end like a secret but name one in a cloud's secret store.
var secretName = regexp.MustCompile(`(secretsManager|secretIdentifiers|keyVault)\.`)

var sha256Hex = regexp.MustCompile(config.SHA256Pattern)

// placeholder is a reference that the product resolves itself when it reads its deployment.toml.
var placeholder = regexp.MustCompile(`^\$(env|ref|secret|sys)?\{[^}]*\}$`)

// inURL is a secret inside a JDBC or other URL, or inside what names the source of a database without a scheme.
var inURL = regexp.MustCompile(`(?i)(password|pwd|secret)=[^$;&\s]|:thin:[^/\s$]+/[^@\s$]+@|^[^\s:@/$]+:[^\s@/$]+@(tcp|unix)?[\w.(-]+(:\d+)?[)/]`)

// inText is a secret anywhere in a text, of one line or several.
var inText = regexp.MustCompile(`://[^/@:\s]*:[^/@\s$]+@|(?i:authorization["']?\s*[:=]\s*["']?(bearer|basic))\s+[^\s$"']{8,}|^(?i:bearer|basic)\s+[^\s$"']{16,}|-----BEGIN [A-Z ]*PRIVATE KEY-----`)

// listed is how the name of a setting ends that stands in a list, as {name: DB_PASSWORD, value: …}, if its value is a secret.
var listed = regexp.MustCompile(`(password|passwd|passphrase|pwd|private_?key|client_?secret|secret_?key|access_?key|api_?key|[_-]token|^token|^authorization)$`)

// checkSecretsInValues refuses secrets written out. Their values are never repeated in the message.
func checkSecretsInValues(e config.Environment) (found problems) {
	for _, part := range parts(e) {
		found.secrets(part)
		if key := part.extraConfigs; key != "" {
			for _, path := range secretsInTOML(part.values.Text(key)) {
				found.secret(part.name+".values."+key+": "+path, "write $env{NAME}, and put the value under the key NAME into the Secret that credentials.secret names")
			}
		}
	}
	return found
}

func (p *problems) secrets(of part) {
	for path, value := range of.values.Leaves {
		if isSecret(path, value) {
			p.secret(of.name+".values."+path, secretInstead(path))
		}
	}
	for _, path := range secretsInLists("", map[string]any(of.values)) {
		p.secret(of.name+".values."+path, "write valueFrom with a secretKeyRef in its place, or $env{NAME} where the product resolves it")
	}
}

func (p *problems) secret(path, next string) {
	p.Add(path, "", "holds a secret: Temporal and Helm would keep it in their histories", next)
}

func secretInstead(path string) string {
	for _, generated := range []string{"adminPassword", "superAdmin.password", "encryption.key", "keystore", "truststore"} {
		if strings.Contains(path, generated) {
			return "remove it: Lockstep generates it once, or takes it from the Secret that credentials.secret names"
		}
	}
	if strings.Contains(path, "subscription.") || strings.Contains(path, "imagePullSecrets.") {
		return "remove it, and name a pull secret in image.pullSecret"
	}
	if strings.Contains(path, "databases.apim_db.") {
		return "remove it, put it into the Secret that credentials.secret names, and write its key as " + config.APIMConfigurations + "existingSecret.apimDBPasswordKey"
	}
	if strings.Contains(path, "databases.shared_db.") {
		return "remove it, put it into the Secret that credentials.secret names, and write its key as " + config.APIMConfigurations + "existingSecret.sharedDBPasswordKey"
	}
	return "write $env{NAME}, and put the value under the key NAME into the Secret that credentials.secret names"
}

func isSecret(path string, value any) bool {
	text := strings.TrimSpace(fmt.Sprint(value))
	if value == nil || text == "" || placeholder.MatchString(text) {
		return false
	}
	if _, isSwitch := value.(bool); isSwitch {
		return false
	}
	if inText.MatchString(text) || inURL.MatchString(text) && !strings.Contains(text, "\n") {
		return true
	}
	last := path[strings.LastIndex(path, ".")+1:]
	return (secretKey.MatchString(strings.ToLower(last)) || isSecretPath(path)) && !secretName.MatchString(path)
}

func isSecretPath(path string) bool {
	return slices.ContainsFunc(secretPaths[:], func(secret string) bool {
		rest, ends := strings.CutSuffix(path, secret)
		return ends && (rest == "" || strings.HasSuffix(rest, "."))
	})
}

// secretsInLists are the paths of secrets that are told by a name beside them.
func secretsInLists(path string, value any) (paths []string) {
	switch value := value.(type) {
	case map[string]any:
		name, _ := value["name"].(string)
		given, isText := value["value"].(string)
		at := config.JoinPath(path, "value")
		if isText && given != "" && listed.MatchString(strings.ToLower(name)) && !placeholder.MatchString(strings.TrimSpace(given)) && !isSecret(at, given) {
			paths = append(paths, at)
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			paths = append(paths, secretsInLists(config.JoinPath(path, key), value[key])...)
		}
	case []any:
		for i, item := range value {
			paths = append(paths, secretsInLists(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	}
	return paths
}

// secretsInTOML are the paths of secrets in a piece of deployment.toml. What is no TOML is the lint's to say.
func secretsInTOML(text string) (paths []string) {
	tables, err := deploymenttoml.Read(text)
	if err != nil {
		return nil
	}
	for path, value := range config.Values(tables).Leaves {
		if isSecret(path, value) {
			paths = append(paths, path)
		}
	}
	return paths
}

// part is one release with its values.
type part struct {
	name, extraConfigs string
	values             config.Values
}

func parts(e config.Environment) []part {
	return []part{
		{name: "identityServer", values: e.IdentityServer.Values, extraConfigs: config.ISExtraConfigs},
		{name: "apiManager", values: e.APIManager.Values, extraConfigs: config.APIMExtraConfigs},
	}
}

var envVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkPlaceholders wants a Secret of the user's where values refer to environment variables: the one that Lockstep
// makes has only the four keys it knows.
func checkPlaceholders(e config.Environment) (found problems) {
	for _, part := range parts(e) {
		names := part.values.EnvReferences()
		for _, name := range names {
			if !envVariable.MatchString(name) {
				found.Add(part.name+".values", "$env{"+name+"}", "is not the name of an environment variable", "write letters, digits and underscores, as $env{IS_DB_PASSWORD}")
			}
		}
		if len(names) > 0 && e.Credentials.Secret == "" {
			found.Add("credentials.secret", "", "is missing, but "+part.name+".values refer to $env{"+strings.Join(names, "}, $env{")+"}",
				"write the name of a Secret with these keys, and with adminPassword, keystorePassword, apimEncryptionKey and isEncryptionKey")
		}
	}
	for _, key := range []string{"apimDBPasswordKey", "sharedDBPasswordKey"} {
		path := config.APIMConfigurations + "existingSecret." + key
		if name := e.APIManager.Values.Text(path); name != "" && e.Credentials.Secret == "" {
			found.Add("credentials.secret", "", "is missing, but apiManager.values."+path+" names its key "+name,
				"write the name of a Secret with that key, and with adminPassword, keystorePassword, apimEncryptionKey and isEncryptionKey")
		}
	}
	return found
}
