// Package objects names the objects that an environment has outside Helm, in the sets in which steps make and remove them.
package objects

import (
	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/gateway"
	"lockstep/internal/identity"
	"lockstep/internal/keystore"
)

// Set names the objects one step makes.
type Set string

// The sets.
const (
	Namespace    Set = "namespace"
	Credentials  Set = "credentials"
	Certificates Set = "certificates"
	Gateway      Set = "gateway"
	Routes       Set = "routes"
	// GatewayNamespace is the namespace of the gateway's controller, unless the environment's own.
	GatewayNamespace Set = "gateway-namespace"
)

// Refs are the objects of a set. Those that another environment might have under the same name are only deleted if they carry this
// environment's label.
func Refs(set Set, env config.Environment) []cluster.Ref {
	switch set {
	case Namespace:
		return []cluster.Ref{{APIVersion: "v1", Kind: "Namespace", Name: env.Namespace, Owner: own(env)}}
	case GatewayNamespace:
		if env.Routing.Namespace == env.Namespace {
			return nil
		}
		return []cluster.Ref{{APIVersion: "v1", Kind: "Namespace", Name: env.Routing.Namespace}} // environments share it
	case Credentials:
		return []cluster.Ref{Secret(env, env.CredentialsSecret())}
	case Certificates:
		all := []cluster.Ref{Authority(env)}
		for _, c := range component.WithStores(env) {
			for _, store := range c.Stores {
				all = append(all, Secret(env, store.Secret))
			}
		}
		return append(all, object(env, "ConfigMap", keystore.CAConfigMap))
	case Gateway:
		return gateway.Refs(env)
	case Routes:
		return gateway.IdentityServerRefs(env, identity.Service(env))
	default:
		return nil
	}
}

// Secret is a Secret of the environment, which is only deleted if it carries the environment's label.
func Secret(env config.Environment, name string) cluster.Ref { return object(env, "Secret", name) }

// Authority is the Secret with the key of the environment's CA. In a namespace apart, environments of one name from two namespaces would have
// the same: there it is the one's whose namespace its label says.
func Authority(env config.Environment) cluster.Ref {
	ref := Secret(env, env.CASecret())
	if ref.Namespace = env.CANamespace(); ref.Namespace != env.Namespace {
		ref.Owner += "," + cluster.NamespaceLabel + "=" + env.Namespace
	}
	return ref
}

func object(env config.Environment, kind, name string) cluster.Ref {
	return cluster.Ref{APIVersion: "v1", Kind: kind, Namespace: env.Namespace, Name: name, Owner: own(env)}
}

func own(env config.Environment) string {
	return cluster.ManagedByLabel + "=" + cluster.ManagedBy + "," + cluster.EnvironmentLabel + "=" + env.Name
}

// Brought says whether the user brought an object: Lockstep reads it, and never removes it.
func Brought(ref cluster.Ref, env config.Environment) bool {
	switch ref.Name {
	case env.Credentials.Secret, env.Certificates.CA, env.Certificates.GatewayTLS:
		return ref.Kind == "Secret"
	}
	return false
}

// Absent is the snapshot of objects of which none is there.
func Absent(refs []cluster.Ref) []cluster.Snapshot {
	before := make([]cluster.Snapshot, len(refs))
	for i, ref := range refs {
		before[i] = cluster.Snapshot{Ref: ref}
	}
	return before
}
