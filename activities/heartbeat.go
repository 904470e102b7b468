package activities

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
)

const heartbeatEvery = 4 * time.Second

// heartbeat keeps the activity alive from a background ticker until stop is called, and shows the last progress text in
// Temporal. Cancellation of the activity reaches ctx through the same heartbeats.
func heartbeat(ctx context.Context) (progress func(string), stop func()) {
	var last atomic.Value
	last.Store("")
	beat := func() { activity.RecordHeartbeat(ctx, last.Load()) }
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
				beat()
			}
		}
	}()
	progress = func(text string) {
		if last.Swap(text) != text {
			beat()
		}
	}
	return progress, func() { close(done) }
}
