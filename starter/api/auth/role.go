package auth

import "fmt"

// Role is what an identity may do on an environment. A greater role may do all that a lesser one may.
type Role int

// The roles, from the least.
const (
	// None may do nothing.
	None Role = iota
	// Reader looks and watches.
	Reader
	// Operator also deploys, verifies and decides.
	Operator
	// Admin also removes, rebuilds, rotates and schedules.
	Admin
)

// roleNames are as people write them. The index is the role.
func roleNames() []string { return []string{"none", "reader", "operator", "admin"} }

// String is the role as it is written in the access file.
func (r Role) String() string {
	if names := roleNames(); r >= 0 && int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("role %d", int(r))
}

// ParseRole reads a role that can be granted.
func ParseRole(text string) (Role, error) {
	for i, name := range roleNames() {
		if text == name && Role(i) != None {
			return Role(i), nil
		}
	}
	return None, fmt.Errorf("%q is not a role: write reader, operator or admin", text)
}
