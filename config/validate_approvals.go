package config

import (
	"fmt"
	"lockstep/config/spelling"
	"slices"
	"strings"
)

// DeploySteps are the names of the steps of a deployment, in the order of the runbook.
func DeploySteps() []string {
	return []string{"preflight", "namespace", "credentials", "certificates", "image", "gateway-crds", "gateway", "identity-server",
		"api-manager", "routes", "key-manager", "verify", "report"}
}

func checkApprovals(e Environment) (found Problems) {
	for i, step := range e.Approvals {
		path := fmt.Sprintf("approvals[%d]", i)
		switch {
		case !slices.Contains(DeploySteps(), step):
			next := "write one of " + strings.Join(DeploySteps(), ", ")
			if near := spelling.Closest(step, DeploySteps()); near != "" {
				next = "did you mean " + near + "?"
			}
			found.Add(path, step, "is no step of a deployment", next)
		case slices.Index(e.Approvals, step) < i:
			found.Add(path, step, "is given twice", "remove one: a step is approved once")
		}
	}
	return found
}
