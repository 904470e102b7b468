package release

import (
	"context"
	"sync"
)

// locks lets one action at a time work on a release. An attempt that was given up by its caller may still be finishing
// its last request: without the lock its successor would take that release for what a killed process left.
type locks struct {
	mutex sync.Mutex
	held  map[string]chan struct{}
}

// acquire waits until no other action of this process works on the release, or ctx ends.
func (l *locks) acquire(ctx context.Context, namespace, name string) (unlock func(), err error) {
	slot := l.slot(namespace + "/" + name)
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	case <-ctx.Done():
		return nil, explained("waiting for another action on release "+name, context.Cause(ctx))
	}
}

func (l *locks) slot(key string) chan struct{} {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.held == nil {
		l.held = map[string]chan struct{}{}
	}
	if l.held[key] == nil {
		l.held[key] = make(chan struct{}, 1)
	}
	return l.held[key]
}
