//go:build !linux

package program

import "syscall"

// endsWithParent puts a child into a process group of its own. Only Linux can tie its life to this process's.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
