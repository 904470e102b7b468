package environments

import (
	"errors"

	"lockstep/config"
	"lockstep/config/validation"
)

// Report is what validation has to say, for machines.
type Report struct {
	Valid    bool             `json:"valid"`
	Problems []config.Problem `json:"problems"` // never null
	Warnings []config.Problem `json:"warnings"` // never null; none while there are problems
	// Sizes are those that operations and Helm limit. None while there are problems.
	Sizes []validation.Size `json:"sizes,omitempty"`
	// Unpinned are the fields of what is fetched without a digest. None while there are problems.
	Unpinned []string `json:"unpinned,omitempty"`
}

// NewReport says what [Load] or [Parse] gave: their two results go in as they are. An error that is no list of problems,
// as that of a file that cannot be read, is the one problem.
func NewReport(env config.Environment, err error) Report {
	report := Report{Problems: []config.Problem{}, Warnings: []config.Problem{}}
	var problems config.Problems
	switch {
	case err == nil:
		report.Valid = true
		report.Warnings = append(report.Warnings, validation.Warnings(env)...)
		report.Sizes = validation.Sizes(env)
		report.Unpinned = validation.Unpinned(env)
	case errors.As(err, &problems):
		report.Problems = append(report.Problems, problems...)
	default:
		report.Problems = append(report.Problems, config.Problem{Message: err.Error()})
	}
	return report
}
