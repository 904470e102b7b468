// Package chartvalues says what is wrong with the values that an environment gives to charts: secrets, what Lockstep sets itself,
// what no chart reads, and what stops a server.
package chartvalues

import "lockstep/config"

// Check says what is wrong with the values of an environment, in the order of the rules below.
func Check(e config.Environment) (found config.Problems) {
	rules := []func(config.Environment) problems{
		checkReplicas,
		checkDatabases,
		checkSecretsInValues,
		checkPlaceholders,
		checkAppPassword,
		checkKeystoreNames,
		checkOwnedValues,
		checkIgnoredValues,
		checkListedHostnames,
		checkExtraConfigs,
		checkOwnTables,
	}
	for _, rule := range rules {
		found = append(found, rule(e)...)
	}
	return found
}

// Warnings are what works, but not as everybody expects.
func Warnings(e config.Environment) (found []config.Problem) {
	for _, rule := range []func(config.Environment) problems{warnData, warnValues} {
		found = append(found, rule(e)...)
	}
	return found
}

// problems are those of some rules.
type problems config.Problems

// Add notes a problem. The value is shown, so it must not be a secret.
func (p *problems) Add(path, value, message, next string) {
	(*config.Problems)(p).Add(path, value, message, next)
}
