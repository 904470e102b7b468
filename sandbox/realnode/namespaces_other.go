//go:build !linux

package realnode

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"syscall"
)

// Namespaces are Linux's.
func Namespaces() *syscall.SysProcAttr { return nil }

// Init fails: [Check] says why.
func Init(context.Context, string, io.Reader, *exec.Cmd) error {
	return errors.New("a real node takes Linux")
}

// Remove has nothing to do.
func Remove() error { return nil }
