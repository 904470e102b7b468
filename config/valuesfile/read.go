// Package valuesfile reads files that people write, and the values files beside them, which they name. A name leads nowhere else.
package valuesfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"lockstep/config/bounds"
)

// readOnly does not wait for somebody to write to what is a pipe.
const readOnly = os.O_RDONLY | syscall.O_NONBLOCK

// ReadFile reads a regular file of at most [bounds.MaxDocument].
func ReadFile(path string) ([]byte, error) {
	file, err := os.OpenFile(path, readOnly, 0)
	if err != nil {
		return nil, err
	}
	return read(file)
}

// Beside reads files by the names that the file at path gives them: relative to its folder, and nowhere out of it.
func Beside(path string) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if filepath.IsAbs(name) {
			return nil, errors.New("it is an absolute path")
		}
		if !filepath.IsLocal(name) {
			return nil, errors.New("it leads out of the folder")
		}
		folder, err := os.OpenRoot(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		file, err := folder.OpenFile(name, readOnly, 0)
		if err != nil {
			return nil, err
		}
		return read(file)
	}
}

// read reads what is open, and closes it.
func read(file *os.File) ([]byte, error) {
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	data, err := io.ReadAll(io.LimitReader(file, bounds.MaxDocument+1))
	if err == nil && len(data) > bounds.MaxDocument {
		return nil, fmt.Errorf("it is larger than %d KiB, which is more than Temporal and Helm take", bounds.MaxDocument>>10)
	}
	return data, err
}
