// Package validation says all that is wrong with an environment at once, each with path, value and next move.
package validation

import (
	"lockstep/config"
	"lockstep/config/chartvalues"
)

// Check says what is wrong with an environment to which [config.Environment.Default] was applied. An error is of
// [config.Problems]: all of them at once, in the order of the rules below.
func Check(e config.Environment) error {
	rules := []func(config.Environment) problems{
		checkFields,
		checkNamespaces,
		checkNames,
		checkHostnames,
		checkCharts,
		checkImage,
		checkArtifacts,
		checkProducts,
		checkSecrets,
		checkKeyManager,
		checkApprovals,
		checkTimes,
		checkReplicas,
		checkAdmins,
		checkSchedules,
		checkSizes,
	}
	var found config.Problems
	for _, rule := range rules {
		found = append(found, rule(e)...)
	}
	if found = append(found, chartvalues.Check(e)...); len(found) == 0 {
		return nil
	}
	return found
}

// Warnings are what works, but not as everybody expects.
func Warnings(e config.Environment) []config.Problem {
	rules := []func(config.Environment) problems{
		warnHostnames,
		warnCharts,
		warnImage,
		warnSchedules,
		warnSizes,
	}
	var found []config.Problem
	for _, rule := range rules {
		found = append(found, rule(e)...)
	}
	return append(found, chartvalues.Warnings(e)...)
}

// problems are those of some rules.
type problems config.Problems

// Add notes a problem. The value is shown, so it must not be a secret.
func (p *problems) Add(path, value, message, next string) {
	(*config.Problems)(p).Add(path, value, message, next)
}
