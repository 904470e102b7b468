package config

// CRDPolicies are the values of [Routing.CRDs].
func CRDPolicies() []CRDPolicy { return []CRDPolicy{CRDsSkip, CRDsCreate, CRDsCreateReplace} }

// ServiceTypes are the values of [Routing.ServiceType].
func ServiceTypes() []string { return []string{"LoadBalancer", "NodePort", "ClusterIP"} }

// VerifyLevels are the values of [Verify.Level], from least to most.
func VerifyLevels() []VerifyLevel {
	return []VerifyLevel{VerifyNone, VerifyHealth, VerifyToken, VerifyFull}
}

// FailurePolicies are the values of [Environment.OnFailure].
func FailurePolicies() []FailurePolicy {
	return []FailurePolicy{OnFailureRollback, OnFailurePause, OnFailureKeep}
}

// DeploySteps are the names of the steps of a deployment, in the order of the runbook.
func DeploySteps() []string {
	return []string{"preflight", "namespace", "credentials", "certificates", "image", "gateway-crds", "gateway", "identity-server",
		"api-manager", "routes", "key-manager", "verify", "report"}
}
