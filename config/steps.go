package config

// DeploySteps are the names of the steps of a deployment, in the order of the runbook.
func DeploySteps() []string {
	return []string{"preflight", "namespace", "credentials", "certificates", "image", "gateway-crds", "gateway", "identity-server",
		"api-manager", "routes", "key-manager", "verify", "report"}
}
