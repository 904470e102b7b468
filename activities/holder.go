package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"lockstep/internal/holder"
)

// FindHolder says what runs under a workflow id.
func (a *Activities) FindHolder(ctx context.Context, workflow string) (holder.Holder, error) {
	return holder.Find(ctx, activity.GetClient(ctx), workflow, a.settings.Encryption)
}
