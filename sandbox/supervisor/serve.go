package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/process"
)

// startTimeout bounds the start of a sandbox on a machine that is busy with something else.
const startTimeout = 2 * time.Minute

// Serve is the supervisor: it runs a sandbox until ctx ends and then stops all of it.
func Serve(ctx context.Context, s Settings, log *slog.Logger) error {
	self, err := process.Identify(os.Getpid())
	if err != nil {
		return err
	}
	in, err := claim()
	if err != nil {
		return err
	}
	defer in.hold.Close()
	u := &supervisor{Settings: s, log: log, in: in, began: time.Now(), lost: make(chan error, 1)}
	u.state = State{Phase: Starting, Dir: s.Dir, Instance: in.number, Supervisor: self}
	u.children = &children{log: log, changed: func(ids []process.ID) {
		u.update(func(st *State) { st.Processes = ids })
	}}
	return u.run(ctx)
}

// supervisor is one running sandbox.
type supervisor struct {
	Settings
	log      *slog.Logger
	in       *instance
	began    time.Time
	children *children
	node     sync.WaitGroup
	lost     chan error // why a part ended that cannot be started again

	mu    sync.Mutex
	state State
	ports sync.Mutex
}

func (u *supervisor) run(ctx context.Context) error {
	nodeCtx, stopNode := context.WithCancel(context.Background())
	defer stopNode()
	err := u.start(ctx, nodeCtx)
	if err == nil {
		u.children.keepAlive()
		u.progress("ready")
		u.update(func(st *State) { st.Phase = Ready })
		select {
		case <-ctx.Done():
		case err = <-u.lost:
		}
	}
	if err != nil && ctx.Err() == nil {
		u.log.Error("giving up", "error", err)
		u.update(func(st *State) { st.Error = err.Error() })
	} else {
		err = nil
	}
	u.update(func(st *State) { st.Phase = Stopping })
	stopNode() // pods end while the API server still listens
	u.node.Wait()
	u.children.stop()
	u.update(func(st *State) {
		st.Processes = nil
		st.Phase = Down
		if err != nil {
			st.Phase = Failed
		}
	})
	return err
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
	return controlplane.Options{
		Dir: u.Dir, Bin: u.Bin, Start: u.children.start,
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

// openLog opens a log file of an in-process part.
func (u *supervisor) openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making log folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	return f, nil
}

// lose reports the end of an in-process part; the first one counts.
func (u *supervisor) lose(part string, err error) {
	if err == nil {
		err = errors.New("it ended")
	}
	select {
	case u.lost <- fmt.Errorf("running %s: %w", part, err):
	default:
	}
}
