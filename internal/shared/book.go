package shared

import (
	"maps"
	"slices"
)

// Use is how an environment uses what a cluster has once.
type Use struct {
	// Run is the operation by which it began.
	Run string `json:"run"`
	// Class is its GatewayClass.
	Class string `json:"class"`
	// Release is that of its controller, as namespace/name; empty if the controller is not installed by Lockstep.
	Release string `json:"release,omitempty"`
	// Left says that the environment is a user no more; its deployment is still being undone, and what was brought is to be known.
	Left bool `json:"left,omitempty"`
	// Brought is what there was not before the first of those who use it together.
	Brought Brought `json:"brought,omitzero"`
}

// Brought is what was not there before the first user began. What was there stays when the last deployment is undone.
type Brought struct {
	CRDs      []string `json:"crds,omitempty"`
	Class     bool     `json:"class,omitempty"`
	Release   bool     `json:"release,omitempty"`
	Namespace bool     `json:"namespace,omitempty"`
	// Purged says that somebody who left wanted all CRDs of Lockstep gone, and others still used them: the last of those removes them.
	Purged bool `json:"purged,omitempty"`
	// Environment and Run are of the first user: what it found of a release without records is kept in their name.
	Environment string `json:"environment"`
	Run         string `json:"run"`
}

// book is who uses what is shared, and who is about to remove it: pure, so that all orders of all steps can be tried.
type book struct {
	uses map[string]Use // by environment
	// remover is the environment and the run that may remove things, while nobody begins; empty: none.
	remover string
}

// busy says whether somebody else removes things.
func (b book) busy(who string) bool { return b.remover != "" && b.remover != who }

// begin makes an environment a user. One that is a user stays what it was, but for what it uses. found is what is missing now; it only
// counts as far as no other user knows what was missing before.
func (b *book) begin(environment string, use Use, found Brought) (changed bool) {
	if was, known := b.uses[environment]; known && !was.Left {
		use.Run, use.Brought = was.Run, was.Brought
	} else {
		use.Brought = b.inherited(environment, use, found)
	}
	if same(b.uses[environment], use) && b.remover == "" {
		return false
	}
	if b.uses == nil {
		b.uses = map[string]Use{}
	}
	b.uses[environment], b.remover = use, ""
	return true
}

// has says whether an environment is a user of the same already. Then it was one before anybody who removes things now began.
func (b book) has(environment string, use Use) bool {
	was, known := b.uses[environment]
	return known && !was.Left && was.Class == use.Class && was.Release == use.Release
}

// inherited is what the first of those who use the same brought.
func (b book) inherited(environment string, use Use, found Brought) Brought {
	found.Environment, found.Run = environment, use.Run
	for _, name := range slices.Sorted(maps.Keys(b.uses)) {
		other := b.uses[name]
		found.CRDs, found.Purged = other.Brought.CRDs, other.Brought.Purged // one set for the cluster
		if other.Class == use.Class {
			found.Class = other.Brought.Class
		}
		if other.Release == use.Release {
			found.Release, found.Namespace = other.Brought.Release, other.Brought.Namespace
			found.Environment, found.Run = other.Brought.Environment, other.Brought.Run
		}
	}
	return found
}

func same(a, b Use) bool {
	return a.Run == b.Run && a.Class == b.Class && a.Release == b.Release && a.Left == b.Left
}

// others are the users beside an environment for which uses holds, sorted.
func (b book) others(environment string, uses func(Use) bool) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(b.uses)) {
		if use := b.uses[name]; name != environment && !use.Left && uses(use) {
			names = append(names, name)
		}
	}
	return names
}

// Fate is what becomes of an environment as a user.
type Fate int

// Fates.
const (
	Stays  Fate = iota // it is what it was
	Left               // it is no user any more; its undo goes on and has to know what was brought
	Gone               // it is no user any more
	Purged             // it is no user any more, and the last of the others is to remove all CRDs that Lockstep made
)

// end is what follows a removal.
func (b *book) end(environment string, fate Fate) {
	b.remover = ""
	use, known := b.uses[environment]
	switch {
	case fate == Left && known && len(b.others(environment, anything)) == 0:
		use.Left = true
		b.uses[environment] = use
	case fate != Stays:
		delete(b.uses, environment)
	}
	for name, other := range b.uses {
		other.Brought.Purged = other.Brought.Purged || fate == Purged
		b.uses[name] = other
	}
}

func (b book) empty() bool { return len(b.uses) == 0 && b.remover == "" }

func anything(Use) bool { return true }
