package chaos

import (
	"slices"

	"lockstep/sandbox/fault"
	"lockstep/workflows/board"
)

// State is how an environment is between operations.
type State string

// States of the environment.
const (
	Nothing  State = "nothing"
	Deployed State = "deployed" // as examples/quickstart.yaml says
	Changed  State = "changed"  // with another image and other values of both products
)

// Operation is what is done to the environment.
type Operation struct {
	Name     string
	From, To State // From may be "", for what there is; To is where it leads if it is not undone
	Teardown bool
	Fails    bool // API Manager cannot start
	Cancel   bool

	boundaries []Moment // between steps
	inside     []Moment // steps in which something may happen at any time
	cancelAt   []Moment
	specials   []Fault
	points     []fault.Fault // requests that servers may fail
}

// operations are a cycle: each finds the environment as the one before it leaves it.
func operations() []Operation {
	forth, back := deploySteps(), undoSteps()
	return []Operation{
		{
			Name: "first deployment", From: Nothing, To: Deployed,
			boundaries: forth, inside: running(forth), specials: specials(true), points: points(),
		},
		{
			Name: "change", From: Deployed, To: Changed,
			boundaries: forth, inside: running(forth), specials: specials(false), points: points(),
		},
		{
			Name: "change that fails", From: Changed, To: Changed, Fails: true,
			boundaries: back, inside: in(back, board.StateUndoing), specials: undoSpecials(), points: slices.Concat(supplies(), registration()),
		},
		{
			Name: "cancelled change", From: Changed, To: Deployed, Cancel: true,
			boundaries: back, inside: in(back, board.StateUndoing), cancelAt: late(), specials: undoSpecials(), points: points(),
		},
		{
			Name: "teardown", To: Nothing, Teardown: true,
			boundaries: teardownSteps(), inside: running(teardownSteps()), specials: teardownSpecials(),
		},
		{
			Name: "first deployment that fails", From: Nothing, To: Nothing, Fails: true,
			boundaries: back, inside: in(back, board.StateUndoing), specials: undoSpecials(), points: supplies(),
		},
		{
			Name: "cancelled first deployment", From: Nothing, To: Deployed, Cancel: true,
			boundaries: back, inside: in(back, board.StateUndoing), cancelAt: late(), specials: undoSpecials(), points: points(),
		},
	}
}

// deploySteps are the boundaries of a deployment, about in the order in which they come.
func deploySteps() []Moment {
	return boundaries(board.StateRunning, board.StateDone,
		"preflight", "namespace", "image", "gateway-crds", "credentials", "certificates", "gateway", "identity-server", "api-manager", "routes", "key-manager", "verify", "report")
}

// undoSteps are the boundaries of a compensation that begins while API Manager starts.
func undoSteps() []Moment {
	return boundaries(board.StateUndoing, board.StateUndone,
		"api-manager", "identity-server", "gateway", "certificates", "credentials", "gateway-crds", "image", "namespace")
}

func teardownSteps() []Moment {
	return boundaries(board.StateRunning, board.StateDone,
		"survey", "routes", "api-manager", "identity-server", "listeners", "gateway", "certificates", "credentials", "gateway-crds", "namespace")
}

func boundaries(begins, ends string, steps ...string) []Moment {
	var all []Moment
	for _, step := range steps {
		all = append(all, Moment{Step: step, State: begins}, Moment{Step: step, State: ends})
	}
	return all
}

func running(all []Moment) []Moment { return in(all, board.StateRunning) }

func in(all []Moment, state string) []Moment {
	return slices.DeleteFunc(slices.Clone(all), func(m Moment) bool { return m.State != state })
}

// late is where operations are cancelled: when there is much to undo.
func late() []Moment {
	return running(boundaries(board.StateRunning, board.StateDone, "api-manager", "routes", "key-manager", "verify"))
}
