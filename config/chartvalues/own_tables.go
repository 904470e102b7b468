package chartvalues

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/deploymenttoml"
)

// checkOwnTables looks at tables of the user's that stand in for Lockstep's: with a wrong value in them Identity Server
// starts, says nothing and does not do what they are for. What is no TOML is the lint's to say.
func checkOwnTables(e config.Environment) (found problems) {
	own, err := deploymenttoml.ReadOwn(e)
	if err != nil {
		return nil
	}
	const at = "identityServer.values." + config.ISExtraConfigs + ", "
	if roles := own.RoleManagement; roles != nil && e.KeyManager.CreatesRoles() && roles["allow_system_prefix_for_role"] != true {
		found.Add(at+"role_mgt.allow_system_prefix_for_role", given(roles["allow_system_prefix_for_role"]),
			"is not true: Identity Server would refuse the roles that API Manager makes (system_primary_…)",
			"write allow_system_prefix_for_role = true, or set keyManager.roleCreation: false")
	}
	for _, listener := range own.Listeners {
		found = append(found, checkListener(e, at+"event_listener.", listener)...)
	}
	return found
}

// checkListener looks at an event listener that is to tell API Manager of revoked tokens.
func checkListener(e config.Environment, at string, listener map[string]any) (found problems) {
	const remove = ", or remove the listener and its properties: Lockstep adds it"
	if listener["type"] != deploymenttoml.RevocationListenerType {
		found.Add(at+"type", given(listener["type"]), "is not the type of the handler: the server would never call it, and revoked tokens would stay valid",
			`write type = "`+deploymenttoml.RevocationListenerType+`"`+remove)
	}
	if fmt.Sprint(listener["enable"]) == "false" {
		found.Add(at+"enable", "false", "turns off the listener that tells API Manager of revoked tokens: they would stay valid", "remove it"+remove)
	}
	properties, _ := listener["properties"].(map[string]any)
	const header = "header.X-WSO2-KEY-MANAGER"
	if kind := properties[header]; kind != "WSO2-IS" && kind != "default" {
		found.Add(at+"properties.'"+header+"'", given(kind), "is not a type of key manager that API Manager knows: it would answer 200 and revoke nothing",
			`write '`+header+`' = "WSO2-IS", the key in quotes`+remove)
	}
	for _, key := range []string{"username", "password"} {
		if given(properties[key]) == "" {
			found.Add(at+"properties."+key, "", "is missing: API Manager would refuse the report of a revoked token, and Identity Server would not log it",
				"write the one of API Manager's admin"+remove)
		}
	}
	if message := cannotNotify(e, given(properties["notification_endpoint"])); message != "" {
		found.Add(at+"properties.notification_endpoint", "", message+": API Manager would not learn of revoked tokens",
			"write https://"+apimService(e)+"."+e.Namespace+".svc:9443"+deploymenttoml.RevocationPath+remove)
	}
	return found
}

func given(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// cannotNotify says why API Manager would not hear from an address; empty if it may. An address that holds a secret or a
// blank is reported elsewhere.
func cannotNotify(e config.Environment, address string) string {
	if placeholder.MatchString(address) || blank.MatchString(address) || inURL.MatchString(address) {
		return ""
	}
	parsed, err := url.Parse(address)
	switch {
	case address == "":
		return "is missing"
	case err != nil || parsed.Scheme != "https" || parsed.Host == "":
		return "is not an https URL"
	case !strings.HasSuffix(parsed.Path, deploymenttoml.RevocationPath):
		return "does not end in " + deploymenttoml.RevocationPath
	case slices.Contains(apimServiceNames(e), parsed.Hostname()) && parsed.Port() != "9443":
		return "has another port than API Manager's Service, 9443"
	case !apimCertified(e, parsed.Hostname()):
		return "names " + parsed.Hostname() + ", which is not in API Manager's certificate"
	}
	return ""
}

// apimCertified says whether API Manager's certificate will carry a name by which Identity Server can reach it.
func apimCertified(e config.Environment, host string) bool {
	h := e.Hostnames
	names := append(apimServiceNames(e), h.Management, h.Gateway, h.WebSocket, h.WebSub)
	_, domain, _ := strings.Cut(host, ".")
	return slices.Contains(names, host) || slices.Contains(e.Certificates.ExtraDNSNames, host) ||
		slices.Contains(e.Certificates.ExtraDNSNames, "*."+domain)
}

func apimService(e config.Environment) string {
	return config.FullName(e.APIManager.Release, config.DefaultAPIMChart) + "-am-service"
}

func apimServiceNames(e config.Environment) []string { return e.APIManagerServiceNames(apimService(e)) }
