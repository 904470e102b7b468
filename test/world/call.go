package world

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lockstep/sandbox/process"
)

// Call is one run of the command line.
type Call struct {
	w        *World
	cmd      *exec.Cmd
	out, err bytes.Buffer
	ended    chan error
}

// Said is how a call ended.
type Said struct {
	Code     int
	Out, Err string
}

// Begin starts the command line.
func (w *World) Begin(t testing.TB, args ...string) *Call {
	t.Helper()
	c := &Call{w: w, cmd: w.Command("lockstep", args...), ended: make(chan error, 1)}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.err
	if err := process.StartChild(c.cmd); err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	return c
}

// End waits for the end of a call.
func (c *Call) End(t testing.TB) Said {
	t.Helper()
	select {
	case err := <-c.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(c.w.Patience()):
		_ = c.cmd.Process.Kill()
		<-c.ended
		t.Fatalf("%s does not end:\n%s", strings.Join(c.cmd.Args, " "), &c.err)
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.w.transcript.Write(c.out.Bytes())
	c.w.transcript.Write(c.err.Bytes())
	return Said{Code: c.cmd.ProcessState.ExitCode(), Out: c.out.String(), Err: c.err.String()}
}

// Signal sends the running command line a signal.
func (c *Call) Signal(signal os.Signal) error { return c.cmd.Process.Signal(signal) }

// Lockstep runs the command line to its end.
func (w *World) Lockstep(t testing.TB, args ...string) Said {
	t.Helper()
	return w.Begin(t, args...).End(t)
}

// Expect runs the command line, which must end with code.
func (w *World) Expect(t testing.TB, code int, args ...string) Said {
	t.Helper()
	said := w.Lockstep(t, args...)
	if said.Code != code {
		t.Fatalf("lockstep %s ends with %d, want %d:\n%s%s", strings.Join(args, " "), said.Code, code, said.Out, said.Err)
	}
	return said
}

// Says reports what was not said.
func (s Said) Says(t testing.TB, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(s.Out+s.Err, part) {
			t.Errorf("nothing is said of %q:\n%s%s", part, s.Out, s.Err)
		}
	}
}
