// Package decision is what operators may decide about an operation that waits for them: Updates of its workflow, and what they say.
package decision

import (
	"fmt"

	"go.temporal.io/sdk/temporal"

	"lockstep/config"
	"lockstep/config/environments"
)

// Updates by which operators decide about a deployment that waits for them.
const (
	UpdateRetry    = "retry-step"
	UpdateSkip     = "skip-step"
	UpdateRollback = "rollback"
	UpdateApprove  = "approve"
)

// TypeInvalid is the application error type of an Update that is refused. It has changed nothing.
const TypeInvalid = "InvalidDecision"

// Updates are all there are.
func Updates() []string { return []string{UpdateRetry, UpdateSkip, UpdateRollback, UpdateApprove} }

// RetryStep is the input of [UpdateRetry].
type RetryStep struct {
	// Step may be left out if exactly one is paused, or with an environment.
	Step string `json:"step,omitempty"`
	// Environment is the changed environment, whole or by the name of its file. Then all steps are carried out again, in it.
	Environment *environments.Reference `json:"environment,omitempty"`
	// Overrides is a JSON merge patch onto Environment, or, without that, onto the environment as it is now.
	Overrides config.Values `json:"overrides,omitempty"`
	By        string        `json:"by,omitempty"`
	Reason    string        `json:"reason,omitempty"`
}

// Changes says whether the environment is to be another one.
func (r RetryStep) Changes() bool { return r.Environment != nil || len(r.Overrides) > 0 }

// SkipStep is the input of [UpdateSkip]. Nothing may be left out.
type SkipStep struct {
	Step   string `json:"step"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Rollback is the input of [UpdateRollback].
type Rollback struct {
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Approve is the input of [UpdateApprove]. Nothing may be left out.
type Approve struct {
	Step   string `json:"step"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Answer says what follows from a decision.
type Answer struct {
	Step string `json:"step,omitempty"`
	Next string `json:"next"`
}

// Who is who decided, as far as that was said.
func Who(by string) string {
	if by == "" {
		return "an operator"
	}
	return by
}

// Refused is the error of an Update that does not fit. It says what would.
func Refused(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), TypeInvalid, nil)
}
