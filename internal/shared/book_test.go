package shared

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// world is a cluster with three environments whose operations take their steps in any order: each step is one moment, as it is one write, or
// one change, on a real cluster.
type world struct {
	book                    book
	crds, controller, class bool
	at                      [3]int  // the next step of each
	holds                   [3]bool // it began, and its listeners may be there
	owned                   [3]bool // its listeners are there
	did                     string
	// foreign says that the CRDs were there before.
	foreign bool
}

func name(i int) string { return string(rune('a' + i)) }

// step is one of an operation. It gives false where it has to wait.
type step func(w *world, i int) bool

func begin(w *world, i int) bool {
	if w.book.busy(identity(name(i), "run")) {
		return false
	}
	found := Brought{Class: !w.class, Release: !w.controller}
	if !w.crds {
		found.CRDs = []string{"all"}
	}
	w.book.begin(name(i), Use{Run: "run", Class: "c", Release: "r"}, found)
	w.holds[i] = true
	return true
}

func applyCRDs(w *world, i int) bool       { w.crds = true; return true }
func applyController(w *world, i int) bool { w.controller = true; return true }
func applyListeners(w *world, i int) bool  { w.class, w.owned[i] = true, true; return true }
func removeListeners(w *world, i int) bool { w.owned[i], w.holds[i] = false, false; return true }

func hold(w *world, i int) bool {
	who := identity(name(i), "run")
	if w.book.busy(who) {
		return false
	}
	w.book.remover = who
	return true
}

func ends(fate Fate) step {
	return func(w *world, i int) bool { w.book.end(name(i), fate); return true }
}

func (w *world) standing(i int) Standing { return standingOf(w.book, name(i)) }

func (w *world) used(i int) bool { return len(w.standing(i).Users(anything)) > 0 }

// purge removes the CRDs that Lockstep made.
func (w *world) purge(i int) {
	if !w.used(i) && !w.controller && !w.foreign {
		w.crds = false
	}
}

// unless takes something away as long as no other uses it, and, in an undo, only what the users brought.
func unless(undo bool, brought func(Brought) bool, take func(*world)) step {
	return func(w *world, i int) bool {
		s := w.standing(i)
		if !w.used(i) && (!undo || s.leaves("run") && brought(s.Own.Brought)) {
			take(w)
		}
		return true
	}
}

func noCRDs(w *world)       { w.crds = w.foreign }
func noController(w *world) { w.controller = false }
func noClass(w *world)      { w.class = false }

// operations are those of the environments: one that is deployed and purged, one that fails at its listeners and is undone, one that fails at
// its CRDs, one that is deployed and torn down without purge.
func operations() map[string][]step {
	deploy := []step{begin, applyCRDs, applyController, applyListeners}
	down := []step{removeListeners, hold, unless(false, nil, noClass), unless(false, nil, noController), func(w *world, i int) bool {
		if s := w.standing(i); s.Own != nil && s.Own.Brought.Purged {
			w.purge(i)
		}
		return true
	}, ends(Gone)}
	purge := []step{hold, func(w *world, i int) bool { w.purge(i); return true }, ends(Purged)}
	takeAway := []step{
		unless(true, func(b Brought) bool { return b.Class }, noClass),
		unless(true, func(b Brought) bool { return b.Release }, noController),
	}
	undoGateway := slices.Concat([]step{removeListeners, hold}, takeAway, []step{ends(Left)})
	undoCRDs := slices.Concat([]step{hold}, takeAway, []step{unless(true, func(b Brought) bool { return len(b.CRDs) > 0 || b.Purged }, noCRDs), ends(Gone)})
	ended := func(w *world, i int) bool { w.holds[i] = false; return true }
	return map[string][]step{
		"purge":        slices.Concat(deploy, down, purge),
		"teardown":     slices.Concat(deploy, down),
		"undo":         slices.Concat(deploy, undoGateway, undoCRDs),
		"undo of CRDs": slices.Concat([]step{begin, applyCRDs, ended}, undoCRDs),
	}
}

func (w world) key() string {
	uses := map[string]Use{}
	maps.Copy(uses, w.book.uses)
	return fmt.Sprint(w.at, w.holds, w.owned, w.crds, w.controller, w.class, uses, w.book.remover)
}

func (w world) copied() world {
	w.book.uses = maps.Clone(w.book.uses)
	return w
}

// wrong says what may never be.
func (w world) wrong(plans [3][]step) string {
	for i := range 3 {
		if w.owned[i] && (!w.crds || !w.controller || !w.class) {
			return "something was taken from under " + name(i)
		}
		if w.holds[i] && w.at[i] > 1 && !w.crds {
			return "the CRDs were taken from under " + name(i)
		}
	}
	for i := range 3 {
		if w.at[i] < len(plans[i]) {
			return ""
		}
	}
	switch {
	case w.controller || w.class:
		return "controller or class outlast their last user"
	case !w.book.empty():
		return fmt.Sprintf("the register is not empty: %+v", w.book)
	case w.foreign && !w.crds:
		return "CRDs that were there before are gone"
	}
	return ""
}

// TestNothingIsTakenFromUnderAnybodyAndNothingIsLeft tries all orders of all steps of three environments.
func TestNothingIsTakenFromUnderAnybodyAndNothingIsLeft(t *testing.T) {
	all := operations()
	names := slices.Sorted(maps.Keys(all))
	states := 0
	for _, a := range names {
		for _, b := range names {
			for _, c := range names {
				if b < a || c < b {
					continue // the same three
				}
				for _, foreign := range []bool{false, true} {
					states += explore(t, [3]string{a, b, c}, [3][]step{all[a], all[b], all[c]}, foreign)
				}
			}
		}
	}
	t.Logf("%d states", states)
}

func explore(t *testing.T, names [3]string, plans [3][]step, foreign bool) int {
	t.Helper()
	begin := world{foreign: foreign, crds: foreign}
	seen, open := map[string]bool{begin.key(): true}, []world{begin}
	for len(open) > 0 {
		w := open[len(open)-1]
		open = open[:len(open)-1]
		moved, done := false, true
		for i := range 3 {
			if w.at[i] == len(plans[i]) {
				continue
			}
			done = false
			next := w.copied()
			if !plans[i][w.at[i]](&next, i) {
				continue
			}
			moved = true
			next.at[i]++
			next.did += name(i)
			if wrong := next.wrong(plans); wrong != "" {
				t.Fatalf("%v, steps %s: %s", names, next.did, wrong)
			}
			if purged := !foreign && !slices.Contains(names[:], "teardown"); purged && next.crds && next.over(plans) {
				t.Fatalf("%v, steps %s: the CRDs outlast their last user", names, next.did)
			}
			if key := next.key(); !seen[key] {
				seen[key] = true
				open = append(open, next)
			}
		}
		if !moved && !done {
			t.Fatalf("%s: all wait after steps %s", strings.Join(names[:], ", "), w.did)
		}
	}
	return len(seen)
}

func (w world) over(plans [3][]step) bool {
	return w.at == [3]int{len(plans[0]), len(plans[1]), len(plans[2])}
}
