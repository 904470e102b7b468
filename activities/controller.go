package activities

import (
	"context"
	"fmt"

	"lockstep/config"
	"lockstep/internal/gateway"
)

// checkController refuses a second gateway controller: with the same controller name both would reconcile the same classes, and removing
// ours again would leave what it made for somebody else's.
func checkController(ctx context.Context, s *site, env config.Environment) error {
	if !env.Routing.Installs() {
		return nil
	}
	state, err := s.releases.Look(ctx, env.Routing.Namespace, env.Routing.Release)
	if err != nil || state.Exists {
		return classifyRelease(err)
	}
	watched, err := gatewayWatched(ctx, s.cluster)
	if err != nil {
		return err
	}
	for _, user := range gateway.InUse(env, watched) {
		if user.Kind == "GatewayClass" {
			return failure(TypeConflict, fmt.Sprintf("routing.install: %s is somebody else's and names controller %s, and there is no release %s/%s: another gateway "+
				"controller serves it, and a second one of that name would take it over. Next: use the one that is there (routing.install: false, "+
				"routing.gatewayClass: %s), or install another one beside it (routing.controllerName and routing.values)",
				user, env.Routing.ControllerName, env.Routing.Namespace, env.Routing.Release, user.Name))
		}
	}
	return nil
}
