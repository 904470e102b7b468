package process

import (
	"fmt"
	"syscall"
	"time"
)

// ID names one process for good: a pid alone comes back after the process has gone.
type ID struct {
	// Name is the component's, for people.
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Started is the start time as the operating system counts it; opaque.
	Started string `json:"started"`
}

// Identify returns the ID of the living process pid.
func Identify(pid int) (ID, error) {
	started, err := startTime(pid)
	if err != nil {
		return ID{PID: pid}, fmt.Errorf("reading start time of process %d: %w", pid, err)
	}
	return ID{PID: pid, Started: started}, nil
}

// Alive says whether exactly this process still runs.
func (id ID) Alive() bool {
	if id.PID <= 0 || id.Started == "" {
		return false
	}
	started, err := startTime(id.PID)
	return err == nil && started == id.Started
}

// Stop ends exactly this process, which need not be a child: SIGTERM, then SIGKILL after grace. It reports whether the
// process has gone.
func (id ID) Stop(grace time.Duration) bool {
	if !id.Alive() {
		return true
	}
	_ = signal(id.PID, syscall.SIGTERM)
	if id.gone(grace) {
		return true
	}
	_ = signal(id.PID, syscall.SIGKILL)
	return id.gone(5 * time.Second)
}

func (id ID) gone(within time.Duration) bool {
	deadline := time.Now().Add(within)
	for id.Alive() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

func signal(pid int, sig syscall.Signal) error { return syscall.Kill(pid, sig) }
