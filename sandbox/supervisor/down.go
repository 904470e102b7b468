package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"lockstep/sandbox/realnode"
)

// Take stops the sandbox in dir, all its programs and simulated pods included, and removes its state and data. Logs
// stay unless purge. A sandbox that is down already is no error.
func Take(ctx context.Context, dir string, purge bool) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("finding sandbox folder: %w", err)
	}
	if _, err := os.Stat(lockFile(abs)); errors.Is(err, os.ErrNotExist) {
		return nil // never was a sandbox
	}
	unlock, err := lock(ctx, abs)
	if err != nil {
		return err
	}
	defer unlock()
	state, err := Status(abs)
	if err != nil {
		return err
	}
	if err := remove(state); err != nil {
		return err
	}
	if !purge {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(abs, "logs")); err != nil {
		return fmt.Errorf("removing logs: %w", err)
	}
	_ = os.Remove(lockFile(abs))
	_ = os.Remove(abs) // only when nothing else is in it
	return nil
}

// supervisorGrace is time for a node that gives every pod its own.
const supervisorGrace = 20 * time.Second

// remove ends what state records and deletes the sandbox's files, its logs excepted.
func remove(state State) error {
	if !state.Supervisor.Stop(supervisorGrace) {
		return fmt.Errorf("stopping supervisor: process %d does not end", state.Supervisor.PID)
	}
	for _, p := range slices.Backward(state.Processes) {
		if !p.Stop(stopGrace) {
			return fmt.Errorf("stopping %s: process %d does not end", p.Name, p.PID)
		}
	}
	return removeData(state.Dir)
}

// removeData deletes a sandbox's files by their names: somebody may keep files of their own beside them.
func removeData(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, realnode.Folder)); err == nil {
		if err := realnode.Remove(); err != nil {
			return err
		}
	}
	for _, name := range []string{
		"state.json", "state.json.new", "settings.json", "settings.json.new", "kubeconfig", "pki", "etcd",
		"temporal.db", "temporal.db-shm", "temporal.db-wal", "temporal.db-journal",
		"registry", "faults.yaml", "faults.yaml.hits", "layers", "pods", "kwok", realnode.Folder,
	} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("removing sandbox data: %w", err)
		}
	}
	return nil
}

func lockFile(dir string) string { return filepath.Join(dir, "sandbox.lock") }

// lock makes the folder and keeps any other up or down of the same sandbox out until unlock.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(lockFile(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening sandbox lock: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("locking sandbox: %w", err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("waiting for another up or down of this sandbox: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// makeFolder refuses a folder that holds something else: down would remove what has the name of a sandbox's file.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making sandbox folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading sandbox folder: %w", err)
	}
	if _, err := os.Stat(lockFile(dir)); err != nil && len(entries) > 0 {
		return fmt.Errorf("making sandbox folder: %s holds other files (%s, …); give --dir a new or empty folder", dir, entries[0].Name())
	}
	return nil
}
