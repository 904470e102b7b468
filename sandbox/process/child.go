package process

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// StartChild starts cmd in a process group of its own, so that Ctrl-C in a terminal reaches this process alone. On Linux the kernel kills
// the child when this process dies, however it dies. Other attributes of the command stay.
func StartChild(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	tie(cmd.SysProcAttr)
	f := fork{cmd, make(chan error)}
	forker() <- f
	return <-f.started
}

type fork struct {
	cmd     *exec.Cmd
	started chan error
}

// forker is one thread that starts all children and lasts as long as this process: the kernel sends the parent-death signal when the
// thread that forked ends, not when the process does (golang.org/issue/27505).
var forker = sync.OnceValue(func() chan<- fork {
	forks := make(chan fork)
	go func() {
		runtime.LockOSThread()
		for f := range forks {
			f.started <- f.cmd.Start()
		}
	}()
	return forks
})

// RunChild runs cmd to its end, as a child of this process (see [StartChild]).
func RunChild(cmd *exec.Cmd) error {
	if err := StartChild(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}
