package readiness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
)

// tick is how often a state is judged although nothing changed: graces run out without any event.
const tick = time.Second

// watchUntil runs the informers and calls over when they are filled, after every change, and every tick, until it is
// true. Lost connections are taken up again by the informers; a refusal by the API server ends it once it lasts.
func watchUntil(ctx context.Context, informers []cache.SharedIndexInformer, over func() bool) error {
	watching, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	changed, refusals := make(chan struct{}, 1), make([]*refusal, len(informers))
	for i, informer := range informers {
		refusals[i] = &refusal{}
		if err := listen(informer, changed, refusals[i]); err != nil {
			return fmt.Errorf("watching: %w", err)
		}
		running.Go(func() { informer.RunWithContext(refusals[i].with(watching)) })
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		if err := refused(refusals, refusalGrace); err != nil {
			return err
		}
		if synced(informers) && over() {
			return nil
		}
		select {
		case <-ctx.Done():
			if err := refused(refusals, 0); err != nil && !synced(informers) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return err // it says more than a wait that has never seen anything
			}
			return ctx.Err()
		case <-changed:
			pause(ctx, 50*time.Millisecond) // changes come in flocks
		case <-ticker.C:
		}
	}
}

func listen(informer cache.SharedIndexInformer, changed chan<- struct{}, refusal *refusal) error {
	signal := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { signal() }, UpdateFunc: func(_, _ any) { signal() }, DeleteFunc: func(any) { signal() },
	})
	return errors.Join(err, informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		refusal.failed(err, time.Now())
		signal()
	}))
}

func synced(informers []cache.SharedIndexInformer) bool {
	for _, informer := range informers {
		if !informer.HasSynced() {
			return false
		}
	}
	return true
}

// stored is what an informer has.
func stored[T any](informer cache.SharedIndexInformer) []T {
	var all []T
	for _, item := range informer.GetStore().List() {
		if typed, ok := item.(T); ok {
			all = append(all, typed)
		}
	}
	return all
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
