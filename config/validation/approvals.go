package validation

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/spelling"
)

func checkApprovals(e config.Environment) (found problems) {
	for i, step := range e.Approvals {
		path := fmt.Sprintf("approvals[%d]", i)
		switch {
		case !slices.Contains(config.DeploySteps(), step):
			next := "write one of " + strings.Join(config.DeploySteps(), ", ")
			if near := spelling.Closest(step, config.DeploySteps()); near != "" {
				next = "did you mean " + near + "?"
			}
			found.Add(path, step, "is not a step of a deployment", next)
		case slices.Index(e.Approvals, step) < i:
			found.Add(path, step, "is given twice", "remove one of the two")
		}
	}
	return found
}
