package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/images"
	"lockstep/sandbox/process"
	"lockstep/sandbox/realnode"
)

// Up brings the sandbox of s up and returns when it is ready; one that is up already is left as it is. What a killed
// supervisor left behind is removed first. Progress goes to out.
func Up(ctx context.Context, s Settings, out io.Writer) (State, error) {
	if err := Check(s); err != nil {
		return State{}, err
	}
	unlock, err := lock(ctx, s.Dir)
	if err != nil {
		return State{}, err
	}
	defer unlock()
	state, err := Status(s.Dir)
	if err != nil {
		return state, err
	}
	if state.Phase == Ready {
		fmt.Fprintln(out, "the sandbox is up already")
		return state, nil
	}
	if state.Phase != Down {
		fmt.Fprintf(out, "removing what is left of a sandbox (%s)\n", state.Phase)
	}
	if err := remove(state); err != nil {
		return state, err
	}
	if err := s.save(); err != nil {
		return state, err
	}
	supervisor, ended, err := launch(s)
	if err != nil {
		return state, err
	}
	state, err = await(ctx, s, ended, out)
	if ctx.Err() != nil {
		supervisor.Stop(supervisorGrace)
	}
	return state, err
}

// Check says what a sandbox lacks here.
func Check(s Settings) error {
	programs := append(controlplane.Programs(), "kwok")
	if s.RealNode {
		if s.Attached {
			return errors.New("starting a real node: --attached is for sandboxes without one; leave it out, and take the node down with `sandbox down`")
		}
		if err := realnode.Check(s.Dir, s.Bin); err != nil {
			return err
		}
		if runs, _ := images.Real(s.Bin); len(runs) == 0 {
			return fmt.Errorf("starting a real node: %s has no program of the gateway, which only a sandbox without a real node simulates; run `make gateway`", s.Bin)
		}
		programs = controlplane.Programs()
	}
	if !s.NoTemporal {
		programs = append(programs, "temporal")
	}
	missing := controlplane.Missing(s.Bin, programs...)
	if folders, _ := filepath.Glob(filepath.Join(s.Bin, gatewayFolders)); len(folders) == 0 {
		missing = append(missing, gatewayFolders)
	}
	if len(missing) > 0 {
		return fmt.Errorf("starting sandbox: %s has no %s; run `make tools`", s.Bin, strings.Join(missing, ", "))
	}
	return nil
}

// launch starts the supervisor detached from this process and its terminal. The channel yields how it ended.
func launch(s Settings) (process.ID, <-chan error, error) {
	if err := os.MkdirAll(filepath.Join(s.Dir, "logs"), 0o700); err != nil {
		return process.ID{}, nil, fmt.Errorf("making log folder: %w", err)
	}
	log, err := openLog(s.log("supervisor"))
	if err != nil {
		return process.ID{}, nil, err
	}
	defer log.Close()
	cmd := exec.Command(s.Self, "serve", "--dir", s.Dir)
	cmd.Dir = s.Dir
	cmd.Stdout, cmd.Stderr = log, log
	if s.Attached {
		cmd.Stdin = os.Stdin // a file: the supervisor has it itself, and this process may end
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	release := func(process.ID) error { return nil }
	if s.RealNode {
		if release, err = s.inNamespaces(cmd); err != nil {
			return process.ID{}, nil, err
		}
	}
	if err := cmd.Start(); err != nil {
		return process.ID{}, nil, fmt.Errorf("starting supervisor: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	id, _ := process.Identify(cmd.Process.Pid) // no error that ended would not tell better
	if err := release(id); err != nil {
		id.Stop(0)
		return id, ended, err
	}
	return id, ended, nil
}

// inNamespaces has cmd, not yet started, serve below the first process of a real node. That waits for the release.
func (s Settings) inNamespaces(cmd *exec.Cmd) (release func(process.ID) error, err error) {
	cmd.Args[1] = "init"
	cmd.SysProcAttr = realnode.Namespaces()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting supervisor: %w", err)
	}
	return func(id process.ID) error {
		defer stdin.Close()
		s.Supervisor = id
		if err := s.save(); err != nil {
			return err
		}
		if err := realnode.Connect(id.PID); err != nil {
			return err
		}
		if _, err := io.WriteString(stdin, "go\n"); err != nil {
			return fmt.Errorf("starting supervisor: %w", err)
		}
		return nil
	}, nil
}

// await follows the state until the sandbox is ready or has failed, or ctx ends.
func await(ctx context.Context, s Settings, ended <-chan error, out io.Writer) (State, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	shown := 0
	for {
		state, err := Status(s.Dir)
		for ; err == nil && shown < len(state.Progress); shown++ {
			fmt.Fprintln(out, state.Progress[shown])
		}
		switch {
		case err == nil && state.Phase == Ready:
			return state, nil
		case err == nil && state.Phase == Failed:
			return state, fmt.Errorf("starting sandbox: %s\nlogs are in %s", state.Error, filepath.Join(s.Dir, "logs"))
		}
		select {
		case <-tick.C:
		case exit := <-ended:
			if state, err := Status(s.Dir); err == nil && state.Phase == Failed {
				return state, fmt.Errorf("starting sandbox: %s\nlogs are in %s", state.Error, filepath.Join(s.Dir, "logs"))
			}
			return state, fmt.Errorf("starting sandbox: the supervisor ended (%v); the end of %s:\n%s",
				exit, s.log("supervisor"), process.Tail(s.log("supervisor"), 15))
		case <-ctx.Done():
			return state, fmt.Errorf("starting sandbox: %w", ctx.Err())
		}
	}
}
