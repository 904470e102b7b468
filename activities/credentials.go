package activities

import (
	"context"

	"lockstep/internal/credentials"
)

// EnsureCredentials makes passwords and encryption keys once.
func (a *Activities) EnsureCredentials(ctx context.Context, in Input) (string, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	made, err := credentials.Ensure(ctx, c, in.Env)
	if brought := in.Env.Credentials.Secret; brought != "" {
		return "taken from Secret " + brought, err
	}
	return madeOrKept(made), err
}
