//go:build !linux

package contain

import (
	"errors"
	"io"
	"os"

	"lockstep/sandbox/node/program"
)

var errNoNamespaces = errors.New("only Linux has namespaces")

// Start fails.
func Start(string, Container, io.Writer) (*program.Running, *os.File, error) {
	return nil, nil, errNoNamespaces
}

// Available says that only Linux can.
func Available(string) error { return errNoNamespaces }

// Inside fails.
func Inside() error { return errNoNamespaces }
