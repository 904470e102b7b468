package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/process"
	"lockstep/sandbox/realnode"
)

// startTimeout bounds the start of a sandbox on a machine that is busy with something else.
const startTimeout = 2 * time.Minute

// Serve is the supervisor: it runs a sandbox until ctx ends and then stops all of it.
func Serve(ctx context.Context, s Settings, log *slog.Logger) error {
	self, in, err := s.identify()
	if err != nil {
		return err
	}
	defer in.hold.Close()
	running, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	u := &supervisor{Settings: s, log: log, in: in, began: time.Now(), lose: lose}
	u.state = State{Phase: Starting, Dir: s.Dir, Instance: in.number, Supervisor: self}
	u.children = &children{log: log, ended: lose, changed: func(ids []process.ID) {
		if !s.RealNode { // where they end with the supervisor, and their numbers mean others to the machine
			u.update(func(st *State) { st.Processes = ids })
		}
	}}
	nodeCtx, stopNode := context.WithCancel(context.Background())
	defer stopNode()
	err = u.run(running, nodeCtx)
	if ctx.Err() != nil {
		err = nil // asked to stop: what broke on the way is no failure
	}
	u.stop(stopNode, err)
	return err
}

// identify finds out who serves, and where.
func (s Settings) identify() (process.ID, *instance, error) {
	if s.RealNode {
		return s.Supervisor, alone(), nil
	}
	self, err := process.Identify(os.Getpid())
	if err != nil {
		return self, nil, err
	}
	in, err := claim()
	return self, in, err
}

// supervisor is one running sandbox.
type supervisor struct {
	Settings
	log      *slog.Logger
	in       *instance
	began    time.Time
	children *children
	node     sync.WaitGroup
	// lose ends the sandbox for the loss of a part that cannot be started again.
	lose func(error)

	mu    sync.Mutex
	state State
	ports sync.Mutex
}

// run returns when running ends or the sandbox does not start.
func (u *supervisor) run(running, nodeCtx context.Context) error {
	if err := u.start(running, nodeCtx); err != nil {
		if running.Err() != nil {
			return context.Cause(running)
		}
		return err
	}
	u.children.keepAlive()
	u.progress("ready")
	u.update(func(st *State) { st.Phase = Ready })
	<-running.Done()
	return context.Cause(running)
}

func (u *supervisor) stop(stopNode func(), reason error) {
	u.update(func(st *State) {
		st.Phase = Stopping
		if reason != nil {
			st.Error = reason.Error()
		}
	})
	stopNode() // pods end while the API server still listens
	u.node.Wait()
	u.children.stop()
	u.update(func(st *State) {
		st.Processes, st.Phase = nil, Down
		if reason != nil {
			st.Phase = Failed
		}
	})
}

// start brings the parts up side by side.
func (u *supervisor) start(ctx, nodeCtx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	u.update(func(*State) {})
	supplies, err := u.openSupplies()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return u.stock(ctx, supplies) })
	g.Go(func() error { return u.startCluster(ctx, nodeCtx) })
	if !u.NoTemporal {
		g.Go(func() error { return u.startTemporal(ctx) })
	}
	return g.Wait()
}

func (u *supervisor) startCluster(ctx, nodeCtx context.Context) error {
	cluster, err := controlplane.Start(ctx, u.controlPlane())
	if err != nil {
		return err
	}
	u.update(func(st *State) { st.Kubeconfig, st.APIServer = cluster.Kubeconfig, cluster.URL })
	u.progress("Kubernetes at %s", cluster.URL)
	if u.RealNode {
		return u.startRealNode(ctx, nodeCtx)
	}
	return u.startNode(ctx, nodeCtx)
}

func (u *supervisor) startTemporal(ctx context.Context) error {
	t, err := controlplane.StartTemporal(ctx, u.controlPlane())
	if err != nil {
		return err
	}
	u.update(func(st *State) { st.TemporalAddress, st.UI = t.Address, t.UI })
	u.progress("Temporal at %s, its UI at %s", t.Address, t.UI)
	return nil
}

func (u *supervisor) controlPlane() controlplane.Options {
	var network *controlplane.Network
	if u.RealNode {
		network = new(realnode.Network())
	}
	return controlplane.Options{
		Network: network,
		Dir:     u.Dir, Bin: u.Bin, Start: u.children.start,
		Port: func() (int, error) {
			u.ports.Lock()
			defer u.ports.Unlock()
			return u.in.port()
		},
	}
}

// update changes the state and writes it out.
func (u *supervisor) update(change func(*State)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.state)
	if err := writeJSON(stateFile(u.Dir), u.state); err != nil {
		u.log.Error("state not written", "error", err)
	}
}

func (u *supervisor) current() State {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state
}

func (u *supervisor) progress(format string, args ...any) {
	line := fmt.Sprintf("%5.1fs  ", time.Since(u.began).Seconds()) + fmt.Sprintf(format, args...)
	u.log.Info(line)
	u.update(func(st *State) { st.Progress = append(slices.Clip(st.Progress), line) })
}

// openLog starts the log of an in-process part anew.
func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	return f, nil
}

// lost says that an in-process part has ended.
func lost(part string, err error) error {
	if err == nil {
		err = errors.New("it ended")
	}
	return fmt.Errorf("running %s: %w", part, err)
}
