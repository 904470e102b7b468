// Package saga carries out the steps of an operation: each as soon as what it needs is done, with an operator's help where failures pause,
// and undoes them when it fails.
package saga

import "go.temporal.io/sdk/workflow"

// Step is one row of an operation. All its functions are workflow code.
type Step struct {
	Name    string
	Summary string   // one line, shown to operators
	Needs   []string // steps that must be done first
	// Look records what is there now, for Do and Undo. Optional.
	Look func(workflow.Context) error
	// Do makes it so and returns a short note for the board.
	Do func(workflow.Context) (note string, err error)
	// Undo restores what Look saw. It tolerates a Do that never happened or happened half. Optional.
	Undo func(workflow.Context) error
	// Remedy is how an operator does by hand what Undo could not. Optional.
	Remedy func() string
	// Optional says whether the operation goes on without this step, as clean-ups do.
	Optional bool
	// Spares says whether its failure leaves the steps beside it alone, which are cancelled otherwise. Those that need it never begin. Optional.
	Spares func(workflow.Context) bool
	// Skippable says why the operation is sound without this step, if an operator decides so. Empty: it is not.
	Skippable string
	// Frozen are fields that cannot change while this step may still be undone. Optional.
	Frozen []Frozen
}
