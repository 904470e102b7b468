package auth

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/starter/api/problem"
)

// Refusal is what an identity may not do.
type Refusal struct {
	Identity    Identity
	Action      Action
	Environment string
	// Needs is the role that the action takes; None if nobody may do it.
	Needs Role
	// Has is the role that the identity has where it would need the other.
	Has Role
}

// Error says which role is needed, which there is, and who grants it.
func (r *Refusal) Error() string {
	needs, known := requirements()[r.Action]
	if !known {
		return fmt.Sprintf("%s is not a known action: use one of %s", r.Action, joined(Actions()))
	}
	what, where := fmt.Sprintf("%s %q", needs.text, r.Environment), "there"
	switch needs.reach {
	case somewhere:
		what, where = needs.text, "on any environment"
	case everywhere:
		where = "on all environments"
	}
	has := "only " + r.Has.String()
	if r.Has == None {
		has = "no role"
	}
	return fmt.Sprintf("%s needs the role %s %s, and %s has %s; %s", what, r.Needs, where, r.Identity, has, r.next(needs.reach))
}

// Problem is the refusal as an answer: 403.
func (r *Refusal) Problem() *problem.Problem { return problem.New(403, "forbidden", "%s", r.Error()) }

// next is who grants the role.
func (r *Refusal) next(reach reach) string {
	pattern := r.Environment
	switch reach {
	case somewhere:
		pattern = "…"
	case everywhere:
		pattern = "*"
	}
	if r.Identity.Via != ViaOIDC {
		return fmt.Sprintf("the owner of the API's access file can grant it with {role: %s, environments: [%q]} in the grants of %s",
			r.Needs, pattern, r.Identity)
	}
	if groups := r.granting(reach); len(groups) > 0 {
		return "members of the group " + strings.Join(groups, " or ") + " have it: ask the owner of the groups"
	}
	return fmt.Sprintf("no group has it: the owner of the API's access file can grant it with {group: …, role: %s, environments: [%q]} in the grants of oidc",
		r.Needs, pattern)
}

// granting are the groups whose members have the role.
func (r *Refusal) granting(reach reach) []string {
	var groups []string
	for _, offer := range r.Identity.offers {
		member := Identity{Grants: []Grant{offer.grant}}
		if member.on(reach, r.Environment) >= r.Needs {
			groups = append(groups, offer.group)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

func joined(actions []Action) string {
	var names []string
	for _, action := range actions {
		names = append(names, string(action))
	}
	return strings.Join(names, ", ")
}
