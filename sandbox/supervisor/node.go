package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/sandbox/node"
	"lockstep/sandbox/realnode"
)

// startNode runs the node until nodeCtx ends and returns when Kubernetes calls it ready.
func (u *supervisor) startNode(ctx, nodeCtx context.Context) error {
	state := u.current()
	log, err := openLog(u.Settings.log("node"))
	if err != nil {
		return err
	}
	programs, says, err := u.realPrograms()
	if err != nil {
		return err
	}
	u.update(func(st *State) { st.Gateway = says })
	u.progress("gateway %s", says)
	u.node.Go(func() {
		defer log.Close()
		err := node.Run(nodeCtx, node.Options{
			Dir:          u.Dir,
			Kubeconfig:   state.Kubeconfig,
			Instance:     u.in.number,
			Binary:       u.Self,
			Real:         programs,
			KwokBinary:   filepath.Join(u.Bin, "kwok"),
			RegistryAddr: state.Registry,
			Boot:         u.boot(),
			ProbeScale:   u.ProbeScale,
			Log:          slog.New(slog.NewTextHandler(log, nil)),
		})
		if nodeCtx.Err() == nil {
			u.lose(lost("the node", err))
		}
	})
	if err := nodeReady(ctx, state.Kubeconfig, node.Name); err != nil {
		return err
	}
	u.progress("node %s with pods at 127.%d.x.y", node.Name, u.in.number)
	return nil
}

// boot is how long products take to boot, by program.
func (u *supervisor) boot() map[string]time.Duration {
	return map[string]time.Duration{"wso2is": u.ISBoot, "wso2am": u.APIMBoot}
}

// startRealNode runs a real node, whose programs are the supervisor's children, and returns when Kubernetes calls it ready.
func (u *supervisor) startRealNode(ctx, nodeCtx context.Context) error {
	state := u.current()
	o := realnode.Options{Dir: u.Dir, Bin: u.Bin, Kubeconfig: state.Kubeconfig, Registry: state.Registry, Start: u.children.start, Log: u.log}
	if err := realnode.Start(ctx, o); err != nil {
		return err
	}
	u.node.Go(func() {
		err := realnode.Balance(nodeCtx, o)
		if nodeCtx.Err() == nil {
			u.lose(lost("the load balancer", err))
		}
	})
	if err := nodeReady(ctx, state.Kubeconfig, realnode.Name); err != nil {
		return err
	}
	u.progress("node %s", realnode.Name)
	return nil
}

func nodeReady(ctx context.Context, kubeconfig, name string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making client: %w", err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err == nil && ready(n) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the node to be ready: %w (last answer: %v)", context.Cause(ctx), err)
		}
	}
}

func ready(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
