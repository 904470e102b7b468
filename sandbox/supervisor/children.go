package supervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"lockstep/sandbox/process"
)

// children are the programs a supervisor runs. One that ends once the sandbox is ready is started again: a sandbox
// outlives the loss of a part, as a cluster does.
type children struct {
	log     *slog.Logger
	changed func([]process.ID)
	// ended is told of a program that ended before keepAlive.
	ended func(error)

	mu       sync.Mutex
	list     []*process.Process
	restart  bool
	stopping bool
}

// start runs spec, with a new log, and watches it.
func (c *children) start(spec process.Spec) (*process.Process, error) {
	if err := os.Remove(spec.Log); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing old log of %s: %w", spec.Name, err)
	}
	p, err := process.Start(spec)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		p.Stop(0)
		return p, nil
	}
	c.list = append(c.list, p)
	c.tell()
	go c.watch(spec, p)
	return p, nil
}

// keepAlive starts again whatever ends from now on.
func (c *children) keepAlive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restart = true
}

const restartDelay = time.Second

func (c *children) watch(spec process.Spec, p *process.Process) {
	for {
		<-p.Done()
		switch restart, stopping := c.mode(); {
		case stopping:
			return
		case !restart:
			c.ended(p.Err())
			return
		}
		c.log.Warn("starting again", "program", spec.Name, "reason", p.Err())
		time.Sleep(restartDelay)
		next, err := process.Start(spec)
		if err != nil {
			c.log.Error("not started again", "program", spec.Name, "error", err)
			return
		}
		if !c.replace(p, next) {
			next.Stop(0)
			return
		}
		p = next
	}
}

func (c *children) mode() (restart, stopping bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restart, c.stopping
}

func (c *children) replace(old, next *process.Process) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return false
	}
	for i, p := range c.list {
		if p == old {
			c.list[i] = next
		}
	}
	c.tell()
	return true
}

func (c *children) tell() {
	ids := make([]process.ID, len(c.list))
	for i, p := range c.list {
		ids[i] = p.ID
	}
	c.changed(ids)
}

// stop ends the children, last started first.
func (c *children) stop() {
	c.mu.Lock()
	c.stopping = true
	list := c.list
	c.mu.Unlock()
	for i := len(list) - 1; i >= 0; i-- {
		list[i].Stop(stopGrace)
	}
}

// stopGrace is short: what a child could still write is thrown away with the sandbox.
const stopGrace = 500 * time.Millisecond
