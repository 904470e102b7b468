package validation

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/spelling"
	"lockstep/config/step"
)

func checkApprovals(e config.Environment) (found problems) {
	all := step.Deployment()
	for i, name := range e.Approvals {
		path := fmt.Sprintf("approvals[%d]", i)
		switch {
		case !slices.Contains(all, name):
			next := "write one of " + strings.Join(all, ", ")
			if near := spelling.Closest(name, all); near != "" {
				next = "did you mean " + near + "?"
			}
			found.Add(path, name, "is not a step of a deployment", next)
		case slices.Index(e.Approvals, name) < i:
			found.Add(path, name, "is given twice", "remove one of the two")
		}
	}
	return found
}
