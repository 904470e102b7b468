package config

// Validate checks an environment to which [Environment.Default] was applied. It returns [Problems]: all of them at once,
// in the order of the rules below, each with path, value and next move.
func (e Environment) Validate() error {
	rules := []func(Environment) Problems{
		checkIdentity,
		checkNames,
		checkHostnames,
		checkCharts,
		checkImage,
		checkArtifacts,
		checkProducts,
		checkSecretNames,
		checkKeyManager,
		checkChoices,
		checkApprovals,
		checkTimes,
		checkReplicas,
		checkDatabases,
		checkSecretsInValues,
		checkPlaceholders,
		checkAdmins,
		checkAppPassword,
		checkKeystoreNames,
		checkOwnedValues,
		checkIgnoredValues,
		checkListedHostnames,
		checkExtraConfigs,
		checkOwnTables,
		checkSchedules,
	}
	var found Problems
	for _, rule := range rules {
		found = append(found, rule(e)...)
	}
	return found.Err()
}

// Warnings are what will work, but not as everybody expects.
func (e Environment) Warnings() []Problem {
	rules := []func(Environment) Problems{
		warnHostnames,
		warnCharts,
		warnImage,
		warnData,
		warnValues,
		warnSchedules,
	}
	var found Problems
	for _, rule := range rules {
		found = append(found, rule(e)...)
	}
	return found
}
