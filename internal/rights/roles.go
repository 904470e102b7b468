package rights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/shared"
)

// Account is what a worker may do on a cluster, and who it is there.
type Account struct {
	// Cluster is its name.
	Cluster config.ClusterName
	// Controller is the cluster's.
	Controller config.Controller
	// Namespaces are those that environments may be in.
	Namespaces []string
	// Authorities are namespaces apart from those, with the keys of CAs.
	Authorities []string
	// Namespace and Name are the service account's.
	Namespace, Name string
}

// Objects are the service account with all that it needs, in the order in which they can be made: namespaces, the account, a Role in each
// namespace, a ClusterRole, and their bindings.
func (a Account) Objects() []runtime.Object {
	var all []runtime.Object
	for _, name := range a.all() {
		if name != shared.Namespace {
			all = append(all, &corev1.Namespace{TypeMeta: typed("v1", "Namespace"), ObjectMeta: metav1.ObjectMeta{Name: name}})
		}
	}
	all = append(all, &corev1.ServiceAccount{TypeMeta: typed("v1", "ServiceAccount"), ObjectMeta: a.meta(a.Namespace, a.Name)})
	for _, namespace := range a.all() {
		if rules := a.rules(namespace); len(rules) > 0 {
			all = append(all, &rbacv1.Role{TypeMeta: typed(rbacAPI, "Role"), ObjectMeta: a.meta(namespace, a.title()), Rules: rules},
				&rbacv1.RoleBinding{TypeMeta: typed(rbacAPI, "RoleBinding"), ObjectMeta: a.meta(namespace, a.title()), Subjects: a.subjects(), RoleRef: a.ref("Role")})
		}
	}
	return append(all, &rbacv1.ClusterRole{TypeMeta: typed(rbacAPI, "ClusterRole"), ObjectMeta: a.meta("", a.title()), Rules: a.rules("")},
		&rbacv1.ClusterRoleBinding{TypeMeta: typed(rbacAPI, "ClusterRoleBinding"), ObjectMeta: a.meta("", a.title()), Subjects: a.subjects(), RoleRef: a.ref("ClusterRole")})
}

const rbacAPI = rbac + "/v1"

// all are the namespaces in which there is something of the account.
func (a Account) all() []string {
	all := slices.Concat([]string{a.Namespace, a.Controller.Namespace, shared.Namespace}, a.Namespaces, a.Authorities)
	slices.Sort(all)
	return slices.Compact(all)
}

// rules are those of a namespace, or of the whole cluster, in the order of the table. Rows that differ in nothing but their resources are one.
func (a Account) rules(namespace string) (rules []rbacv1.PolicyRule) {
	for _, right := range append(Table(a.Controller), Authorities()...) {
		if !a.concerns(right.Where, namespace) {
			continue
		}
		var create, other []string
		for _, verb := range right.Verbs {
			if verb == "create" && len(right.Names) > 0 { // which no name can limit
				create = append(create, verb)
			} else {
				other = append(other, verb)
			}
		}
		for _, rule := range []rbacv1.PolicyRule{{Verbs: create}, {Verbs: other, ResourceNames: right.Names}} {
			if len(rule.Verbs) > 0 {
				rule.APIGroups, rule.Resources = []string{right.Group}, right.Resources
				rules = append(rules, rule)
			}
		}
	}
	return joined(rules)
}

func (a Account) concerns(where Where, namespace string) bool {
	switch where {
	case Products:
		return slices.Contains(a.Namespaces, namespace)
	case Authority:
		return slices.Contains(a.Authorities, namespace)
	}
	return in(where, "", a.Controller.Namespace, "") == namespace
}

// joined gives each resource one rule per set of names, with the verbs of all rows, and puts resources of a group together that may be done
// the same with.
func joined(rules []rbacv1.PolicyRule) (all []rbacv1.PolicyRule) {
	type key struct{ group, resource, names string }
	verbs, order := map[key][]string{}, []key{}
	for _, rule := range rules {
		for _, resource := range rule.Resources {
			k := key{rule.APIGroups[0], resource, strings.Join(rule.ResourceNames, " ")}
			if verbs[k] == nil {
				order = append(order, k)
			}
			verbs[k] = append(verbs[k], rule.Verbs...)
		}
	}
	slices.SortStableFunc(order, func(a, b key) int { return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.names, b.names)) })
	for _, k := range order {
		rule := rbacv1.PolicyRule{APIGroups: []string{k.group}, Resources: []string{k.resource}, ResourceNames: strings.Fields(k.names), Verbs: sorted(verbs[k])}
		i := slices.IndexFunc(all, func(other rbacv1.PolicyRule) bool {
			return slices.Equal(other.APIGroups, rule.APIGroups) && slices.Equal(other.ResourceNames, rule.ResourceNames) && slices.Equal(other.Verbs, rule.Verbs)
		})
		if i < 0 {
			all = append(all, rule)
			continue
		}
		all[i].Resources = append(all[i].Resources, k.resource)
	}
	return all
}

// sorted puts verbs in the order in which people write them.
func sorted(verbs []string) []string {
	order := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	slices.SortFunc(verbs, func(a, b string) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
	return slices.Compact(verbs)
}

func typed(apiVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
}

func (a Account) meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{cluster.ManagedByLabel: "lockstep-setup"}}
}

// title is what roles and bindings are called: workers that know the same cluster by two names may each have an account there.
func (a Account) title() string { return fmt.Sprintf("lockstep-worker-%s", a.Cluster) }

func (a Account) subjects() []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: a.Namespace, Name: a.Name}}
}

func (a Account) ref(kind string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbac, Kind: kind, Name: a.title()}
}
