// Package program runs the process of a simulated program and writes its log as a container runtime does.
package program

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Running is the process of a simulated program.
type Running struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	code int           // exit status, 128+n for signal n; set when done is closed
}

// Start runs command with exactly this environment, its output going to log.
func Start(command, environment []string, log io.Writer) (*Running, error) {
	p := &Running{cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Env = environment
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = endsWithParent()
	p.cmd.WaitDelay = time.Second
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // see endsWithParent
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // the state below says all
			p.code = exitCode(p.cmd.ProcessState)
			close(p.done)
		}
	}()
	return p, <-started
}

// Done is closed when the process has ended.
func (p *Running) Done() <-chan struct{} { return p.done }

// Code is the exit status of a process that has ended, 128+n for signal n.
func (p *Running) Code() int { return p.code }

// Stop asks the process to end, and after grace makes it.
func (p *Running) Stop(grace time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
