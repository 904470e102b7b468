package chartvalues

import "lockstep/config"

// checkAppPassword looks at the password with which Identity Server's own login and recovery pages call its APIs, and the
// SHA-256 by which it knows them. The product's default stays unless both are given (docs/decisions/0008).
func checkAppPassword(e config.Environment) (found problems) {
	const password, hash = "deploymentToml.identity.authFramework.endpoint.appPassword", "deploymentToml.account.recovery.endpoint.auth.hash"
	const at, next = "identityServer.values.", "write $env{NAME} as the password, keep it under the key NAME in the Secret that credentials.secret names, and write what printf %s \"$password\" | sha256sum prints as the hash; or remove both"
	values := e.IdentityServer.Values
	_, hasPassword := values.Lookup(password)
	_, hasHash := values.Lookup(hash)
	sum := values.Text(hash)
	switch {
	case hasPassword && !hasHash:
		found.Add(at+hash, "", "is missing, but the app password is set: the login and recovery pages could not call the server", next)
	case hasHash && !hasPassword:
		found.Add(at+password, "", "is missing, but its hash is set: the login and recovery pages could not call the server", next)
	case hasHash && !sha256Hex.MatchString(sum) && !placeholder.MatchString(sum):
		found.Add(at+hash, "", "is not a SHA-256 in lower-case hex", next)
	}
	return found
}
