package config

import (
	"cmp"
	"slices"
)

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

// OwnCASecret is the name of the Secret of a CA of Lockstep's making, in the environment's own namespace.
const OwnCASecret = "lockstep-ca"

// CASecret is the name of the Secret with the CA that signs the products' certificates. Another namespace may have those of several
// environments.
func (e Environment) CASecret() string {
	switch {
	case e.Certificates.CA != "":
		return e.Certificates.CA
	case e.CANamespace() != e.Namespace:
		return OwnCASecret + "-" + e.Name
	}
	return OwnCASecret
}

// CANamespace is the namespace of that Secret.
func (e Environment) CANamespace() string {
	if e.Certificates.CANamespace != "" {
		return e.Certificates.CANamespace
	}
	return e.Namespace
}

// Listener is one of the five public listeners of an environment's Gateway.
type Listener struct {
	// Name is that to which the API Manager chart's routes attach (wso2/helm-apim, httproute templates).
	Name string
	// Hostname is the name that it serves.
	Hostname string
	// Secret holds its certificate, in the environment's namespace.
	Secret string
}

// KeyManagerListener is the name of Identity Server's listener.
const KeyManagerListener = "keymanager-https"

// FormerListenerSecret is where Lockstep kept one certificate for all listeners before each had its own.
const FormerListenerSecret = "gateway-tls"

// Listeners are the public listeners, in the order in which the Gateway has them. Each has a certificate of its own: Envoy Gateway offers no
// HTTP/2 where listeners of one port share a certificate. A certificate that the user brought serves all of them.
func (e Environment) Listeners() []Listener {
	h := e.Hostnames
	all := []Listener{
		{Name: "control-plane-https", Hostname: h.Management},
		{Name: "gateway-https", Hostname: h.Gateway},
		{Name: "websocket-https", Hostname: h.WebSocket},
		{Name: "websub-https", Hostname: h.WebSub},
		{Name: KeyManagerListener, Hostname: h.KeyManager},
	}
	for i := range all {
		all[i].Secret = cmp.Or(e.Certificates.GatewayTLS, all[i].Name+"-tls")
	}
	return all
}

// ListenerSecrets are the names of the Secrets with the listeners' certificates: one for each, or the user's for all.
func (e Environment) ListenerSecrets() (names []string) {
	for _, l := range e.Listeners() {
		if !slices.Contains(names, l.Secret) {
			names = append(names, l.Secret)
		}
	}
	return names
}
