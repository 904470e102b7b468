// Package program runs the process of a simulated program and writes its log as a container runtime does.
package program

import (
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"lockstep/sandbox/process"
)

// Running is the process of a simulated program.
type Running struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	code int           // exit status, 128+n for signal n; set when done is closed
}

// A Command is what to run.
type Command struct {
	Args       []string                   // the first is the file
	Env        []string                   // all of the environment
	Files      []*os.File                 // open in the process, from 3 on
	Attributes func(*syscall.SysProcAttr) // changes how the process is made; may be nil
}

// Start runs a command, its output going to log.
func Start(command Command, log io.Writer) (*Running, error) {
	p := &Running{cmd: exec.Command(command.Args[0], command.Args[1:]...), done: make(chan struct{})}
	p.cmd.Env, p.cmd.ExtraFiles = command.Env, command.Files
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{}
	if command.Attributes != nil {
		command.Attributes(p.cmd.SysProcAttr)
	}
	p.cmd.WaitDelay = time.Second
	if err := process.StartChild(p.cmd); err != nil {
		return p, err
	}
	go func() {
		_ = p.cmd.Wait() // the state below says all
		p.code = exitCode(p.cmd.ProcessState)
		close(p.done)
	}()
	return p, nil
}

// PID is the process's number on the host.
func (p *Running) PID() int { return p.cmd.Process.Pid }

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
