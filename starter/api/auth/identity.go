package auth

import (
	"fmt"
	"path"
	"slices"
	"time"
)

// Grant is a role on the environments whose names match one of the patterns. In a pattern * stands for any number of
// characters and ? for one.
type Grant struct {
	Role         Role
	Environments []string
}

// Ways in which an identity proved itself.
const (
	// ViaToken is a token of the access file.
	ViaToken = "token"
	// ViaOIDC is a token of the OpenID Connect issuer.
	ViaOIDC = "oidc"
)

// Identity is who calls, and what they may do.
type Identity struct {
	// Name is that of the token in the access file, or the user's.
	Name string
	// Via is ViaToken or ViaOIDC.
	Via string
	// Subject is the issuer's name for the user, which never changes. Empty for a token of the access file.
	Subject string
	// Grants are all that it was granted.
	Grants []Grant
	// Expires is when its token ends. Zero: when it is taken out of the access file.
	Expires time.Time

	offers []groupGrant // what groups would grant, to say which one is missing
}

// String is the identity for people: token "ci", or user "jane".
func (i Identity) String() string {
	if i.Via == ViaOIDC {
		return fmt.Sprintf("user %q", i.Name)
	}
	return fmt.Sprintf("token %q", i.Name)
}

// Role is the greatest role that the identity has on an environment, or None.
func (i Identity) Role(environment string) Role { return i.on(onIt, environment) }

// Reads says whether the identity may see an environment: listings leave out all others.
func (i Identity) Reads(environment string) bool { return i.Role(environment) >= Reader }

// on is the greatest role that the identity has as far as an action reaches.
func (i Identity) on(reach reach, environment string) Role {
	greatest := None
	for _, grant := range i.Grants {
		if reach == somewhere || reach == everywhere && grant.coversAll() || reach == onIt && grant.covers(environment) {
			greatest = max(greatest, grant.Role)
		}
	}
	return greatest
}

// coversAll says whether the grant is for all environments, those to come too.
func (g Grant) coversAll() bool {
	return slices.ContainsFunc(g.Environments, func(pattern string) bool { return pattern == "*" })
}

func (g Grant) covers(environment string) bool {
	if environment == "" {
		return false
	}
	for _, pattern := range g.Environments {
		if matched, err := path.Match(pattern, environment); err == nil && matched {
			return true
		}
	}
	return false
}

// groupGrant is what members of a group are granted.
type groupGrant struct {
	group string
	grant Grant
}
