package display

import (
	"fmt"
	"io"

	"lockstep/workflows"
)

// Drift writes what a comparison found, with what to do about each.
func Drift(out io.Writer, r workflows.DriftReport) error {
	if !r.Drifted {
		_, err := fmt.Fprintf(out, "Environment %s is as its file says.\n", r.Environment)
		return err
	}
	if _, err := fmt.Fprintf(out, "Environment %s differs from its file:\n\n", r.Environment); err != nil {
		return err
	}
	for _, item := range r.Items {
		if _, err := fmt.Fprintf(out, "%s: %s\n  Next: %s\n", item.Component, item, item.Next); err != nil {
			return err
		}
	}
	return nil
}
