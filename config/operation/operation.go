// Package operation is the catalogue of what can be done to an environment. A row says all that commands, API, schedules, access and
// documentation have to know of an operation; what it does is a workflow of package workflows.
package operation

import "strings"

// Workflow types of the operations in Temporal, by which the rest of the program names them.
const (
	Deploy   = "Deploy"
	Verify   = "Verify"
	Drift    = "Drift"
	Teardown = "Teardown"
	Rebuild  = "Rebuild"
	Rotate   = "Rotate"
)

// Roles that may start an operation, as an access file writes them.
const (
	Operator = "operator"
	Admin    = "admin"
)

// Result is what an operation that is done gives back.
type Result string

// Results.
const (
	Nothing     Result = ""
	Report      Result = "report"      // of a deployment
	Proofs      Result = "proofs"      // of a verification
	Differences Result = "differences" // between what is there and the environment file
)

// Operation is a row of the catalogue.
type Operation struct {
	// Type is the workflow type.
	Type string
	// Verb is how people call it: the command, and the word in schedules, requests and answers.
	Verb string
	// Summary is one line, and Text more of them, optional.
	Summary, Text string
	// Examples are command lines; optional.
	Examples []string
	// Options are what can be said of it beside the environment.
	Options []Option
	// Role is the least that may start it.
	Role string
	// Decisions says whether it pauses and awaits approvals.
	Decisions bool
	// Unscheduled is why no schedule carries it out. The zero value says that schedules may.
	Unscheduled Refusal
	// Result is what it gives back.
	Result Result
}

// Refusal is why something cannot be, and what to do instead.
type Refusal struct{ Why, Next string }

// Schedulable says whether a schedule may carry it out.
func (o Operation) Schedulable() bool { return o.Unscheduled == (Refusal{}) }

// Example is its input as it is typed into the Temporal UI.
func (o Operation) Example() string {
	fields := []string{`"environment": "dev"`}
	for _, option := range o.Options {
		if !option.ofEnvironment() {
			fields = append(fields, option.example())
		}
	}
	text := "{" + strings.Join(fields, ", ") + "}"
	if len(fields) == 1 {
		text += `, with "overrides": {…} where this run should differ from the file`
	}
	return text
}

// OfType is the operation of a workflow type.
func OfType(workflowType string) (Operation, bool) {
	return find(func(o Operation) bool { return o.Type == workflowType })
}

// OfVerb is the operation that people call so.
func OfVerb(verb string) (Operation, bool) {
	return find(func(o Operation) bool { return o.Verb == verb })
}

func find(is func(Operation) bool) (Operation, bool) {
	for _, o := range All() {
		if is(o) {
			return o, true
		}
	}
	return Operation{}, false
}

// Verbs are those of all operations.
func Verbs() []string { return verbs(func(Operation) bool { return true }) }

// Scheduled are the verbs of the operations that a schedule may carry out.
func Scheduled() []string { return verbs(Operation.Schedulable) }

// StartedBy are the verbs of the operations that a role is needed for.
func StartedBy(role string) []string {
	return verbs(func(o Operation) bool { return o.Role == role })
}

func verbs(of func(Operation) bool) (all []string) {
	for _, o := range All() {
		if of(o) {
			all = append(all, o.Verb)
		}
	}
	return all
}
