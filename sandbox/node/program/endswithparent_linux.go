package program

import "syscall"

// endsWithParent puts a child into a process group of its own, out of reach of the terminal's Ctrl-C, and has the
// kernel kill it when this process dies without having stopped it. It is the starting thread that counts as the parent,
// so a goroutine must keep its thread from start to end of the child.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
