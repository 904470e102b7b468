package config

// Part is a part of an environment that gives values to a chart.
type Part struct {
	Name       string // as identityServer
	Values     *Values
	ValuesFile *string
}

// Parts are all parts of an environment file that give values to a chart.
func (e *Environment) Parts() []Part {
	return []Part{
		{"identityServer", &e.IdentityServer.Values, &e.IdentityServer.ValuesFile},
		{"apiManager", &e.APIManager.Values, &e.APIManager.ValuesFile},
	}
}

// CreatesRoles says whether the key manager connector may make roles in Identity Server.
func (k KeyManager) CreatesRoles() bool { return k.RoleCreation == nil || *k.RoleCreation }

// APIManagerServiceNames are the names by which service, which is API Manager's, and the Services of its one or two nodes
// are called in the cluster.
func (e Environment) APIManagerServiceNames(service string) (names []string) {
	for _, one := range []string{service, service + "-1", service + "-2"} {
		names = append(names, e.InCluster(one)...)
	}
	return names
}

// InCluster are the names of a Service in the environment's namespace.
func (e Environment) InCluster(service string) []string {
	in := service + "." + e.Namespace
	return []string{service, in, in + ".svc", in + ".svc.cluster.local"}
}

// CredentialsSecret is the name of the Secret with passwords and encryption keys.
func (e Environment) CredentialsSecret() string {
	if e.Credentials.Secret != "" {
		return e.Credentials.Secret
	}
	return "lockstep-credentials"
}

// CASecret is the name of the Secret with the CA that signs the products' certificates.
func (e Environment) CASecret() string {
	if e.Certificates.CA != "" {
		return e.Certificates.CA
	}
	return "lockstep-ca"
}

// GatewayTLSSecret is the name of the Secret with the certificate of the public listeners.
func (e Environment) GatewayTLSSecret() string {
	if e.Certificates.GatewayTLS != "" {
		return e.Certificates.GatewayTLS
	}
	return "gateway-tls"
}
