package validation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lockstep/config"
	"lockstep/config/spelling"
)

func checkProducts(e config.Environment) (found problems) {
	found.image("apiManager.image", e.APIManager.Image)
	if e.IdentityServer.Image != "" {
		found.Add("identityServer.image", e.IdentityServer.Image, "is not used: Identity Server runs the image that Lockstep builds",
			"remove it, and set image.base to start from another image")
	}
	for _, part := range e.Parts() {
		if file := *part.ValuesFile; file != "" {
			found.Add(part.Name+".valuesFile", file, "cannot be read here: a values file is only read beside an environment file",
				"put its content into "+part.Name+".values, or deploy with lockstep deploy -f")
		}
	}
	return found
}

// maxReplicas is well over what anybody runs of Identity Server: a larger number is a slip.
const maxReplicas = 20

func checkReplicas(e config.Environment) (found problems) {
	if n := e.IdentityServer.Replicas; n < 1 || n > maxReplicas {
		found.Add("identityServer.replicas", fmt.Sprint(n), "is out of range", fmt.Sprintf("write 1 to %d", maxReplicas))
	}
	if n := e.APIManager.Replicas; n < 1 || n > 2 {
		found.Add("apiManager.replicas", fmt.Sprint(n), "is out of range: the all-in-one chart can only run one node, or a high-availability pair", "write 1 or 2")
	}
	return found
}

// residentKeyManager is API Manager's own, which cannot be replaced by Identity Server 7.
const residentKeyManager = "Resident Key Manager"

// keyManagerMax is the longest name and display name that API Manager's admin API takes.
const keyManagerMax = 100

func checkKeyManager(e config.Environment) (found problems) {
	switch name := e.KeyManager.Name; {
	case strings.EqualFold(name, residentKeyManager):
		found.Add("keyManager.name", name, "is the name of API Manager's own key manager, which Identity Server 7 cannot replace",
			"write another name, for example WSO2IS7")
	case strings.TrimSpace(name) != name || name == "":
		found.Add("keyManager.name", name, "is empty, or begins or ends with a space", "write a name, for example WSO2IS7")
	case len(name) > keyManagerMax:
		found.Add("keyManager.name", name, fmt.Sprintf("has %d characters, which is too long for API Manager", len(name)), fmt.Sprintf("shorten it to %d", keyManagerMax))
	}
	if name := e.KeyManager.DisplayName; len(name) > keyManagerMax {
		found.Add("keyManager.displayName", name, fmt.Sprintf("has %d characters, which is too long for API Manager", len(name)), fmt.Sprintf("shorten it to %d", keyManagerMax))
	}
	return append(found, checkGrantTypes(e)...)
}

// knownGrants are those that API Manager offers for Identity Server 7 without a urn.
func knownGrants() []string {
	return []string{"client_credentials", "password", "refresh_token", "authorization_code", "implicit", "iwa:ntlm", "kerberos"}
}

func checkGrantTypes(e config.Environment) (found problems) {
	grants := e.KeyManager.GrantTypes
	for i, grant := range grants {
		path := fmt.Sprintf("keyManager.grantTypes[%d]", i)
		next := "write one of " + strings.Join(knownGrants(), ", ") + ", or the urn of another"
		if near := spelling.Closest(grant, knownGrants()); near != "" {
			next = "did you mean " + near + "?"
		}
		switch {
		case slices.Index(grants, grant) < i:
			found.Add(path, grant, "is given twice", "remove one of the two")
		case !strings.HasPrefix(grant, "urn:") && !slices.Contains(knownGrants(), grant):
			found.Add(path, grant, "is not a grant type", next)
		}
	}
	proves := e.Verify.Level == config.VerifyToken || e.Verify.Level == config.VerifyFull
	if proves && !slices.Contains(grants, "client_credentials") {
		found.Add("keyManager.grantTypes", strings.Join(grants, ", "), "do not contain client_credentials, but verification gets its token with it",
			"add client_credentials, or set verify.level to health")
	}
	return found
}

func checkTimes(e config.Environment) (found problems) {
	for _, wait := range []struct {
		path  string
		value config.Duration
	}{
		{"timeouts.gateway", e.Timeouts.Gateway},
		{"timeouts.identityServer", e.Timeouts.IdentityServer},
		{"timeouts.apiManager", e.Timeouts.APIManager},
		{"timeouts.keyManager", e.Timeouts.KeyManager},
		{"timeouts.verify", e.Timeouts.Verify},
	} {
		found.between(wait.path, wait.value, time.Second, 6*time.Hour, "write a time in between; a product needs 1 to 5 minutes to start, so 15m is safe")
	}
	found.between("timeouts.decision", e.Timeouts.Decision, time.Second, 30*24*time.Hour, "write a time in between, as 24h; while a deployment waits, no other operation can begin")
	found.between("certificates.validity", e.Certificates.Validity, 24*time.Hour, 10*365*24*time.Hour, "write a time in between; 19800h is 825 days, the most that browsers accept")
	return found
}

func (p *problems) between(path string, value config.Duration, least, most time.Duration, next string) {
	if time.Duration(value) < least || time.Duration(value) > most {
		p.Add(path, value.String(), fmt.Sprintf("is not between %s and %s", config.Duration(least), config.Duration(most)), next)
	}
}

// adminName is what both products take as a user name without further configuration; an @ would name a tenant.
var adminName = regexp.MustCompile(`^[A-Za-z0-9._-]{3,30}$`)

// checkAdmins wants one super admin for both products: Identity Server tells API Manager of a revoked token with its
// own admin's user name and password.
func checkAdmins(e config.Environment) (found problems) {
	const path = "credentials.adminUsername"
	admin := e.Credentials.AdminUsername
	if !adminName.MatchString(admin) {
		found.Add(path, admin, "is not a user name that both products accept: only 3 to 30 letters, digits, dots, dashes and underscores; an @ would name a tenant",
			"write a user name, for example admin")
	}
	for _, given := range []struct {
		part   string
		values config.Values
		key    string
	}{
		{"identityServer", e.IdentityServer.Values, "deploymentToml.superAdmin.username"},
		{"apiManager", e.APIManager.Values, config.APIMConfigurations + "adminUsername"},
	} {
		value, set := given.values.Lookup(given.key)
		if set && fmt.Sprint(value) != admin {
			found.Add(given.part+".values."+given.key, fmt.Sprint(value), "is not "+path+" ("+admin+"): both products need the same admin, because Identity Server reports revoked tokens to API Manager as this user",
				"remove it and set "+path)
		}
	}
	return found
}
