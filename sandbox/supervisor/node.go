package supervisor

import (
	"context"
)

func (u *supervisor) startNode(ctx, nodeCtx context.Context) error { return nil }
