package program

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Log writes a container's log in the format of the Kubernetes CRI, which kwok reads: time, stream, F for a full
// line, text.
type Log struct {
	mu      sync.Mutex
	out     io.WriteCloser
	now     func() time.Time
	pending []byte // a line that has not ended yet
}

// OpenLog starts the log of a new run of a container. The earlier run's file stays for whoever still reads it.
func OpenLog(path string) (*Log, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening container log: %w", err)
	}
	return &Log{out: file, now: time.Now}, nil
}

// Write logs each line that has ended.
func (l *Log) Write(data []byte) (int, error) {
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

func (l *Log) line(text []byte) error {
	_, err := fmt.Fprintf(l.out, "%s stdout F %s\n", l.now().UTC().Format(time.RFC3339Nano), text)
	return err
}

// Close writes what is left of an unfinished line.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if len(l.pending) > 0 {
		err = l.line(l.pending)
	}
	return errors.Join(err, l.out.Close())
}
