package identity

import (
	"lockstep/config"
)

// Fullname is what the identity-server chart calls its Deployment, Service and ServiceAccount in a release. It is the
// chart's rule as long as the values set neither fullnameOverride nor nameOverride.
func Fullname(release string) string { return config.FullName(release, "identity-server") }

// Service is the name of Identity Server's Service, which has the one port 9443.
func Service(env config.Environment) string { return Fullname(env.IdentityServer.Release) }

// URL is where Identity Server is reached inside the cluster.
func URL(env config.Environment) string {
	return "https://" + Service(env) + "." + env.Namespace + ".svc:9443"
}
