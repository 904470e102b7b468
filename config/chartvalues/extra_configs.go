package chartvalues

import (
	"regexp"
	"strings"

	"lockstep/config"
	"lockstep/config/deploymenttoml"
)

// checkExtraConfigs lints the TOML that charts put into deployment.toml as it is, where they put it: in the Identity
// Server chart after most of its own tables and before [encryption], in API Manager's at the end.
func checkExtraConfigs(e config.Environment) (found problems) {
	found = append(found, extra("identityServer", config.ISExtraConfigs, e.IdentityServer.Values.Text(config.ISExtraConfigs), isTables(e))...)
	return append(found, extra("apiManager", config.APIMExtraConfigs, e.APIManager.Values.Text(config.APIMExtraConfigs), nil)...)
}

// extra lints the text and names its place in the environment.
func extra(part, key, text string, before []deploymenttoml.Table) (found problems) {
	for _, problem := range deploymenttoml.LintInserted(text, before) {
		problem.Path = part + ".values." + key + ", " + problem.Path
		if strings.Trim(problem.Value, "[]") == "oauth" || strings.HasSuffix(problem.Value, "authorize_all_scopes") {
			problem.Next = "remove it: Lockstep sets oauth.authorize_all_scopes itself, where the parser takes it"
		}
		found = append(found, problem)
	}
	return append(found, guideListener(part, key, text)...)
}

// blank is a placeholder of a guide that nobody filled in.
var blank = regexp.MustCompile(`https?://<[^>]*>`)

// guideListener refuses the event listener of WSO2's guide with its placeholders left in. One with a real address stands
// in for Lockstep's.
func guideListener(part, key, text string) (found problems) {
	if address := blank.FindString(text); address != "" {
		found.Add(part+".values."+key, address, "is a placeholder: API Manager would not learn of revoked tokens",
			"remove that [[event_listener]] and its properties: Lockstep adds it with the right address and credentials")
	}
	return found
}

// isTables are the tables that the Identity Server charts 7.1 and 7.2 emit before extraConfigs
// (wso2/kubernetes-is confs/deployment.toml), and [encryption] after it.
func isTables(e config.Environment) []deploymenttoml.Table {
	values := e.IdentityServer.Values
	tables := []string{
		"server", "transport.https.properties", "transport.https.sslHostConfig.properties", "super_admin", "identity_mgt",
		"user_store", "authentication.consent", "realm_manager", "keystore.tls", "keystore.primary", "keystore.internal", "truststore",
		"account_recovery.endpoint.auth", "identity.auth_framework.endpoint", "oauth.token_cleanup", "oauth.token_generation",
		"authentication.authenticator.email_otp", "authentication.authenticator.email_otp.parameters",
		"authentication.authenticator.sms_otp", "authentication.authenticator.sms_otp.parameters",
		"authentication.authenticator.totp", "authentication.authenticator.totp.parameters", "encryption",
	}
	for _, optional := range []struct {
		key       string
		byDefault bool
		tables    []string
	}{
		{"deploymentToml.clustering.enabled", true, []string{"clustering"}},
		{"deploymentToml.recaptcha.enabled", false, []string{"recaptcha"}},
		{"deploymentToml.outputAdapter.email.enabled", false, []string{"output_adapter.email"}},
		{"deploymentToml.userAccountLock.enabled", true, []string{"event.default_listener.identity_mgt",
			"event.default_listener.governance_identity_mgt", "identity_mgt.account_locking"}},
		{"deployment.secretStore.enabled", false, []string{"secrets"}},
	} {
		given := values.Text(optional.key)
		if given == "true" || given == "" && optional.byDefault {
			tables = append(tables, optional.tables...)
		}
	}
	var before []deploymenttoml.Table
	for _, name := range append(tables, databaseTables(e)...) {
		before = append(before, deploymenttoml.Table{Name: name})
	}
	return append(before, deploymenttoml.Table{Name: "resource.access_control", Array: true})
}

// databaseTables are those that the chart emits only with some versions or settings of its databases.
func databaseTables(e config.Environment) (tables []string) {
	names := map[string]string{"identity": "database.identity_db", "shared": "database.shared_db", "user": "database.user",
		"consent": "datasource.WSO2ConsentDS", "agentIdentity": "datasource.AgentIdentity"}
	for _, database := range e.IdentityServerDatabases() {
		table := names[strings.TrimPrefix(database, "deploymentToml.database.")]
		tables = append(tables, table)
		pool, _ := e.IdentityServer.Values.Lookup(database + ".poolOptions")
		if options, _ := pool.(map[string]any); len(options) > 0 {
			tables = append(tables, table+".pool_options")
		}
	}
	return tables
}
