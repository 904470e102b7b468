// Package step names the steps of operations: for tables of steps, for what they need of each other, and for approvals in environment
// files.
package step

// Steps of a deployment.
const (
	Preflight      = "preflight"
	Namespace      = "namespace"
	Credentials    = "credentials"
	Certificates   = "certificates"
	Image          = "image"
	GatewayCRDs    = "gateway-crds"
	Gateway        = "gateway"
	IdentityServer = "identity-server"
	APIManager     = "api-manager"
	Routes         = "routes"
	KeyManager     = "key-manager"
	Verify         = "verify"
	Report         = "report"
)

// Steps that only other operations have.
const (
	Survey    = "survey"    // of a teardown and a comparison
	Listeners = "listeners" // of a teardown
	Compare   = "compare"   // of a rotation
)

// Removal begins the names of a teardown's steps where they are part of a rebuild.
const Removal = "remove-"

// Deployment are the steps of a deployment, in the order of the runbook.
func Deployment() []string {
	return []string{Preflight, Namespace, Credentials, Certificates, Image, GatewayCRDs, Gateway, IdentityServer, APIManager, Routes, KeyManager,
		Verify, Report}
}
