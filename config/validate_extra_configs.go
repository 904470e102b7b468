package config

import (
	"regexp"
	"strings"
)

const isExtraConfigs = "deploymentToml.extraConfigs"

// totpTable is the table that the Identity Server chart leaves open before extraConfigs.
const totpTable = "authentication.authenticator.totp.parameters"

// checkExtraConfigs lints the TOML that charts put into deployment.toml as it is, where they put it: in the Identity
// Server chart after most of its own tables and before [encryption], in API Manager's at the end.
func checkExtraConfigs(e Environment) (found Problems) {
	is := e.IdentityServer.Values
	lint := newTOMLLint()
	lint.start = totpTable
	for _, table := range isTables(is) {
		lint.table(table, "the chart")
	}
	lint.array("resource.access_control", "the chart")
	lint.table("role_mgt", "what Lockstep adds")
	found = append(found, lint.extra("identityServer", isExtraConfigs, is.text(isExtraConfigs))...)

	lint = newTOMLLint()
	lint.start = "the chart's last table"
	return append(found, lint.extra("apiManager", apimPrefix+"extraConfigs", e.APIManager.Values.text(apimPrefix+"extraConfigs"))...)
}

// extra lints the text and names its place in the environment. The findings so far, of the chart's own tables, are
// dropped.
func (l *tomlLint) extra(part, key, text string) (found Problems) {
	l.found, l.current = nil, l.start
	l.run(text)
	for _, problem := range l.found {
		problem.Path = part + ".values." + key + ", " + problem.Path
		if strings.Trim(problem.Value, "[]") == "oauth" || strings.HasSuffix(problem.Value, "authorize_all_scopes") {
			problem.Next = "remove it: Lockstep sets oauth.authorize_all_scopes itself, where the parser takes it"
		}
		found = append(found, problem)
	}
	return append(found, ownListener(part, key, text)...)
}

var eventInterceptor = regexp.MustCompile(`(?m)^\s*name\s*=\s*["']org\.wso2\.is\.notification\.ApimOauthEventInterceptor["']`)

// ownListener refuses the listener of WSO2's guide a second time: every revocation would be sent twice, once to a host
// that may not exist.
func ownListener(part, key, text string) (found Problems) {
	if part == "identityServer" && eventInterceptor.MatchString(text) {
		found.add(part+".values."+key, "[[event_listener]]", "registers ApimOauthEventInterceptor, which Lockstep does with the right address and credentials",
			"remove that [[event_listener]] and its properties")
	}
	return found
}

// isTables are the tables that the Identity Server charts 7.1 and 7.2 emit before extraConfigs
// (wso2/kubernetes-is confs/deployment.toml), and [encryption] after it.
func isTables(values Values) []string {
	tables := []string{
		"server", "transport.https.properties", "transport.https.sslHostConfig.properties", "super_admin", "identity_mgt",
		"user_store", "database.identity_db", "database.shared_db", "datasource.WSO2ConsentDS", "authentication.consent",
		"realm_manager", "database.user", "keystore.tls", "keystore.primary", "keystore.internal", "truststore",
		"account_recovery.endpoint.auth", "identity.auth_framework.endpoint", "oauth.token_cleanup", "oauth.token_generation",
		"authentication.authenticator.email_otp", "authentication.authenticator.email_otp.parameters",
		"authentication.authenticator.sms_otp", "authentication.authenticator.sms_otp.parameters",
		"authentication.authenticator.totp", totpTable, "encryption",
	}
	for _, optional := range []struct {
		key       string
		byDefault bool
		tables    []string
	}{
		{"deploymentToml.clustering.enabled", true, []string{"clustering"}},
		{"deploymentToml.recaptcha.enabled", false, []string{"recaptcha"}},
		{"deploymentToml.outputAdapter.email.enabled", false, []string{"output_adapter.email"}},
		{"deploymentToml.userAccountLock.enabled", true, []string{"event.byDefaultlistener.identity_mgt",
			"event.byDefaultlistener.governance_identity_mgt", "identity_mgt.account_locking"}},
	} {
		given := values.text(optional.key)
		if given == "true" || given == "" && optional.byDefault {
			tables = append(tables, optional.tables...)
		}
	}
	return tables
}
