// Package process runs the child programs of the sandbox: each logs to its own file, dies with its parent, and is
// named by pid and start time, so that nothing ever signals a process that only inherited a pid.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Spec is one program to run.
type Spec struct {
	// Name is the component's name in states, errors and log messages.
	Name string
	// Path is the program's file.
	Path string
	Args []string
	// Env is added to the parent's environment.
	Env []string
	// Log is the file that takes stdout and stderr; it is appended to.
	Log string
}

// Process is a running child.
type Process struct {
	// ID names the child.
	ID ID

	spec Spec
	done chan struct{}
	err  error
}

// Start runs spec as a child (see [StartChild]).
func Start(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening log of %s: %w", spec.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := StartChild(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	p := &Process{spec: spec, done: make(chan struct{})}
	go p.run(cmd)
	p.ID, _ = Identify(cmd.Process.Pid) // fails for a child that has ended already, which Done tells
	p.ID.Name = spec.Name
	return p, nil
}

func (p *Process) run(cmd *exec.Cmd) {
	p.err = cmd.Wait()
	close(p.done)
}

// Done is closed when the child has exited.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended, with the tail of its log. Call it after Done.
func (p *Process) Err() error {
	err := p.err
	if err == nil {
		err = errors.New("exit status 0")
	}
	return fmt.Errorf("%s ended (%w); the end of %s:\n%s", p.spec.Name, err, p.spec.Log, Tail(p.spec.Log, 15))
}

// Stop asks the child to end and kills it when it has not after grace.
func (p *Process) Stop(grace time.Duration) {
	if p.exited() {
		return
	}
	if grace > 0 {
		_ = signal(p.ID.PID, syscall.SIGTERM)
		select {
		case <-p.done:
			return
		case <-time.After(grace):
		}
	}
	_ = signal(p.ID.PID, syscall.SIGKILL)
	<-p.done
}

func (p *Process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Ready polls probe until it answers nil, the child ends or ctx is done.
func (p *Process) Ready(ctx context.Context, probe func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.Err()
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (last answer: %w); the end of %s:\n%s",
				p.spec.Name, ctx.Err(), err, p.spec.Log, Tail(p.spec.Log, 15))
		case <-tick.C:
		}
	}
}
