// Package rights says what the worker's account must be allowed to do on a cluster, in one table. The preflight step asks for it, `lockstep
// setup rbac` prints it as Roles, and docs/permissions.md lists it, so that none of them can say something else than the others.
package rights

import (
	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/shared"
)

// Where a right is needed.
type Where string

// The places.
const (
	Products   Where = "in the namespace of each environment"
	Controller Where = "in the namespace of the gateway's controller"
	Shared     Where = "in namespace " + shared.Namespace
	Authority  Where = "in the namespace of CAs (`certificates.caNamespace`)"
	Everywhere Where = "on the whole cluster"
)

// Right is one row of the table.
type Right struct {
	Where     Where
	Group     string
	Resources []string
	Verbs     []string
	// Names are the only objects that it is needed for; none: all.
	Names []string
	// For says what it is needed for.
	For string
	// Optional ones only make diagnoses better: nothing fails without.
	Optional bool
}

// Makes says which namespaces are Lockstep's to make, and so to remove: those that are not there yet. Nobody can be given rights in them
// before.
type Makes struct{ Products, Controller bool }

// Needed are the rights that an environment needs, optional ones left out. An account that has all of [Escalation] need not have the rights of
// the gateway's controller to give them.
func Needed(env config.Environment, makes Makes, escalates bool) (all []cluster.Access) {
	r := env.Routing.Controller
	table := Table(r)
	if env.CANamespace() != env.Namespace {
		table = append(table, authority(env))
	}
	for _, right := range append(table, namespaces(env.Namespace, r.Namespace, makes)...) {
		if right.Optional || escalates && right.For == handed {
			continue
		}
		all = append(all, right.accesses(in(right.Where, env.Namespace, r.Namespace, env.CANamespace()))...)
	}
	return all
}

// authority is the right in the namespace of the CA's key. One that the user brought is only read.
func authority(env config.Environment) Right {
	if env.Certificates.CA != "" {
		return row(Authority, core, "secrets", "get", "the user's own CA", env.Certificates.CA)
	}
	return Authorities()[0]
}

// Escalation is what an account is allowed that can make and bind the Roles of the gateway's controller without having their rights.
func Escalation(c config.Controller) (all []cluster.Access) {
	for _, verb := range []string{"escalate", "bind"} {
		all = append(all, cluster.Access{Verb: verb, Group: rbac, Resource: "clusterroles"}, cluster.Access{Verb: verb, Group: rbac, Resource: "roles", Namespace: c.Namespace})
	}
	return all
}

// in is the namespace of a place; empty: the whole cluster.
func in(where Where, products, controller, authority string) string {
	switch where {
	case Products:
		return products
	case Controller:
		return controller
	case Authority:
		return authority
	case Shared:
		return shared.Namespace
	}
	return ""
}

// namespaces are the rights to make those that are not there, and so to remove them again.
func namespaces(products, controller string, makes Makes) (all []Right) {
	created := func(name string) Right {
		return Right{Where: Everywhere, Resources: []string{"namespaces"}, Verbs: []string{"create", "delete"}, Names: []string{name}}
	}
	if makes.Products {
		all = append(all, created(products))
	}
	if makes.Controller && (controller != products || !makes.Products) {
		all = append(all, created(controller))
	}
	return all
}

func (r Right) accesses(namespace string) (all []cluster.Access) {
	for _, resource := range r.Resources {
		for _, verb := range r.Verbs {
			names := r.Names
			if verb == "create" || len(names) == 0 {
				names = []string{""} // an object that is made has no name yet
			}
			for _, name := range names {
				all = append(all, cluster.Access{Verb: verb, Group: r.Group, Resource: resource, Namespace: namespace, Name: name})
			}
		}
	}
	return all
}
