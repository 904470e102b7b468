package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// running is the process of a simulated program.
type running struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	code int           // exit status, 128+n for signal n; set when done is closed
}

// startProcess runs command with exactly this environment, its output going to log.
func startProcess(command, environment []string, log io.Writer) (*running, error) {
	p := &running{cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
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

// stop asks the process to end, and after grace makes it.
func (p *running) stop(grace time.Duration) {
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

// criLog writes a container's log in the format of the Kubernetes CRI, which kwok reads: time, stream, F for a full
// line, text.
type criLog struct {
	mu      sync.Mutex
	out     io.WriteCloser
	now     func() time.Time
	pending []byte // a line that has not ended yet
}

// openLog starts the log of a new run of a container. The earlier run's file stays for whoever still reads it.
func openLog(path string) (*criLog, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening container log: %w", err)
	}
	return &criLog{out: file, now: time.Now}, nil
}

func (l *criLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, data...)
	for {
		line, rest, ended := bytes.Cut(l.pending, []byte("\n"))
		if !ended {
			return len(data), nil
		}
		if err := l.line(line); err != nil {
			return 0, err
		}
		l.pending = rest
	}
}

func (l *criLog) line(text []byte) error {
	_, err := fmt.Fprintf(l.out, "%s stdout F %s\n", l.now().UTC().Format(time.RFC3339Nano), text)
	return err
}

// Close writes what is left of an unfinished line.
func (l *criLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if len(l.pending) > 0 {
		err = l.line(l.pending)
	}
	return errors.Join(err, l.out.Close())
}
