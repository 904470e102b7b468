package chartvalues_test

import (
	"strings"
	"testing"

	"lockstep/config/configtest"
)

func TestTheAppPasswordComesWithItsHash(t *testing.T) {
	const password, hash = is + "deploymentToml.identity.authFramework.endpoint.appPassword", is + "deploymentToml.account.recovery.endpoint.auth.hash"
	values := func(password, hash string) string {
		return configtest.Values("deploymentToml: {"+password+hash+"}") + "credentials: {secret: mine}\n"
	}
	secret := "identity: {authFramework: {endpoint: {appPassword: '$env{IS_APP_PASSWORD}'}}}, "
	sum := func(text string) string { return "account: {recovery: {endpoint: {auth: {hash: '" + text + "'}}}}" }
	configtest.Check(t, []configtest.Refusal{
		{Holds: "a password alone", More: values(secret, ""), Path: hash, Says: "sha256sum"},
		{Holds: "a hash alone", More: values("", sum(strings.Repeat("a", 64))), Path: password, Says: "is missing, but its hash is set"},
		{Holds: "no hash", More: values(secret, sum("dashboard")), Path: hash, Says: "is not a SHA-256"},
		{Holds: "a password written out", More: values(strings.Replace(secret, "$env{IS_APP_PASSWORD}", "hush", 1), sum(strings.Repeat("a", 64))), Path: password, Says: "holds a secret"},
	})
	configtest.Parse(t, configtest.Minimal+values(secret, sum(strings.Repeat("a", 64))))
	configtest.Parse(t, configtest.Minimal+values(secret, sum("$env{IS_APP_PASSWORD_HASH}")))
}
