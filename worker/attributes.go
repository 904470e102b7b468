package main

import (
	"context"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"lockstep/internal/attributes"
	"lockstep/workflows/board"
)

// ensureSearchAttributes registers the search attributes that operations set. A workflow that sets one the namespace does not know
// would hang, so a worker does not start without them.
func ensureSearchAttributes(ctx context.Context, c client.Client) error {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return err
	}
	namespace := options.Namespace
	if namespace == "" {
		namespace = client.DefaultNamespace
	}
	_, err = attributes.Ensure(ctx, c, namespace, board.Attributes())
	return err
}
