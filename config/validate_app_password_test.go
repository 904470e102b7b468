package config

import (
	"strings"
	"testing"
)

func TestTheAppPasswordComesWithItsHash(t *testing.T) {
	const password, hash = isAt + "deploymentToml.identity.authFramework.endpoint.appPassword", isAt + "deploymentToml.account.recovery.endpoint.auth.hash"
	values := func(password, hash string) string {
		return isValues("deploymentToml: {"+password+hash+"}") + "credentials: {secret: mine}\n"
	}
	secret := "identity: {authFramework: {endpoint: {appPassword: '$env{IS_APP_PASSWORD}'}}}, "
	sum := func(text string) string { return "account: {recovery: {endpoint: {auth: {hash: '" + text + "'}}}}" }
	check(t, []refusal{
		{holds: "a password alone", more: values(secret, ""), path: hash, says: "sha256sum"},
		{holds: "a hash alone", more: values("", sum(strings.Repeat("a", 64))), path: password, says: "is missing beside its hash"},
		{holds: "no hash", more: values(secret, sum("dashboard")), path: hash, says: "is no SHA-256"},
		{holds: "a password written out", more: values(strings.Replace(secret, "$env{IS_APP_PASSWORD}", "hush", 1), sum(strings.Repeat("a", 64))), path: password, says: "holds a secret"},
	})
	parse(t, minimal+values(secret, sum(strings.Repeat("a", 64))))
	parse(t, minimal+values(secret, sum("$env{IS_APP_PASSWORD_HASH}")))
}
