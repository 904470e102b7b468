package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"lockstep/internal/holder"
)

// MemoStartedBy is [holder.MemoStartedBy].
const MemoStartedBy = holder.MemoStartedBy

// Holder is [holder.Holder].
type Holder = holder.Holder

// FindHolder says what runs under a workflow id.
func (a *Activities) FindHolder(ctx context.Context, workflow string) (Holder, error) {
	return holder.Find(ctx, activity.GetClient(ctx), workflow, a.settings.Encryption)
}
