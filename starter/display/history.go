package display

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"lockstep/starter/operations"
)

// History writes operations as a table, in the order that they are given in.
func History(out io.Writer, all []operations.Operation, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "STARTED\tOPERATION\tOUTCOME\tTOOK\tBY\tRUN")
	for _, o := range all {
		state, lasted := o.Outcome, span(o.Took(now))
		if o.Running() {
			state, lasted = cmp.Or(o.Phase, "running"), sofar(o.Took(now))
		}
		by := cmp.Or(Clean(first(o.StartedBy)), "-")
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", o.Started.Local().Format(time.DateTime), strings.ToLower(o.Operation), state, lasted, by, o.ID)
	}
	return w.Flush()
}
