package node

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/sandbox/node/rootfs"
	"lockstep/sandbox/simulate"
)

// maxGrace is the longest that a stopped pod's program gets, whatever the pod's own grace period.
const maxGrace = 10 * time.Second

// A pod bound to this node.
type pod struct {
	node    *node
	object  *corev1.Pod // as first seen; what counts of it cannot change
	dir     string      // its volumes, and files and logs of its containers
	address netip.Addr  // 10.S.x.y
	init    []*container
	main    []*container

	mu       sync.Mutex    // guards what follows, and the containers' statuses
	rejected rejection     // why the node does not run the pod
	prepared bool          // volumes are there
	begun    metav1.Time   // when the node first saw it
	deleting time.Duration // grace, once it is being deleted
	opened   []int32       // ports that its real programs listen on
	granted  []int32       // ports that are forwarded

	changed chan struct{}
}

func newPod(n *node, object *corev1.Pod) *pod {
	p := &pod{
		node:    n,
		object:  object,
		dir:     filepath.Join(n.Dir, "pods", string(object.UID)),
		begun:   seconds(time.Now()),
		changed: make(chan struct{}, 1),
	}
	if object.Status.StartTime != nil {
		p.begun = *object.Status.StartTime
	}
	for _, spec := range object.Spec.InitContainers {
		p.init = append(p.init, p.newContainer(spec, object.Status.InitContainerStatuses, true))
	}
	for _, spec := range object.Spec.Containers {
		p.main = append(p.main, p.newContainer(spec, object.Status.ContainerStatuses, false))
	}
	return p
}

// newContainer takes up the restart count of a container that ran before the node was restarted.
func (p *pod) newContainer(spec corev1.Container, earlier []corev1.ContainerStatus, isInit bool) *container {
	c := &container{pod: p, spec: spec, isInit: isInit}
	reason := "ContainerCreating"
	if len(p.object.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	started := false
	c.status = corev1.ContainerStatus{
		Name: spec.Name, Image: spec.Image, Started: &started,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
	}
	for _, status := range earlier {
		if status.Name != spec.Name || status.ContainerID == "" {
			continue
		}
		c.status.RestartCount = status.RestartCount + 1
		c.status.LastTerminationState = status.LastTerminationState
		if status.State.Running != nil {
			c.status.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 137, Reason: "ContainerStatusUnknown", Message: "The sandbox node was restarted",
				StartedAt: status.State.Running.StartedAt, FinishedAt: seconds(time.Now()), ContainerID: status.ContainerID,
			}}
		}
	}
	return c
}

// run lives the pod's life until ctx ends, which is when it is being deleted or the node stops. In the former case it
// also removes the pod.
func (p *pod) run(ctx, node context.Context) {
	writer, stopWriter := context.WithCancel(node)
	var writing sync.WaitGroup
	writing.Go(func() { p.writeStatuses(writer) })

	if !terminal(p.object) {
		p.live(ctx)
	}
	<-ctx.Done()
	stopWriter()
	writing.Wait()
	if p.address.IsValid() {
		p.node.addresses.release(p.address)
	}
	for node.Err() == nil {
		err := p.remove(node)
		if err == nil {
			return
		}
		p.node.Log.Error("removing pod", "pod", p.name(), "error", err)
		sleep(node, time.Second)
	}
}

// live runs the pod's containers until all are done or ctx ends.
func (p *pod) live(ctx context.Context) {
	var err error
	if p.address, err = p.node.addresses.take(p.object.Status.PodIP); err != nil {
		p.reject(rejection{Reason: "OutOfAddresses", Message: err.Error()})
		return
	}
	if rejected := admit(p.object); rejected.Reason != "" {
		p.reject(rejected)
		return
	}
	p.change(func() bool { return true })
	if !p.setUpVolumes(ctx) || !p.announce(ctx) {
		return
	}
	p.change(func() bool { p.prepared = true; return true })
	for _, c := range p.init {
		if !c.run(ctx) {
			return
		}
	}
	var running sync.WaitGroup
	for _, c := range p.main {
		running.Go(func() { c.run(ctx) })
	}
	running.Wait()
}

// reject ends a pod that the node does not take, as a kubelet's admission does.
func (p *pod) reject(why rejection) {
	p.event(corev1.EventTypeWarning, why.Reason, "%s", why.Message)
	p.change(func() bool { p.rejected = why; return true })
}

// remove writes the pod's last status and takes it off the disk and then the API server.
func (p *pod) remove(ctx context.Context) error {
	if err := p.writeStatus(ctx); err != nil {
		return err
	}
	if err := rootfs.Remove(p.dir); err != nil {
		return fmt.Errorf("removing files: %w", err)
	}
	err := p.node.client.CoreV1().Pods(p.object.Namespace).Delete(ctx, p.object.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64),
		Preconditions:      metav1.NewUIDPreconditions(string(p.object.UID)),
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // somebody else's deletion was faster
	}
	return err
}

// grace is how long a program of this pod may take to end.
func (p *pod) grace() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deleting > 0 {
		return p.deleting
	}
	if seconds := p.object.Spec.TerminationGracePeriodSeconds; seconds != nil {
		return min(time.Duration(*seconds)*time.Second, maxGrace)
	}
	return maxGrace
}

func (p *pod) name() string { return p.object.Namespace + "/" + p.object.Name }

func (p *pod) loopback() netip.Addr { return simulate.OnHost(p.address, p.node.Instance) }

func (p *pod) volumeDir(name string) string { return filepath.Join(p.dir, "volumes", name) }

func terminal(object *corev1.Pod) bool {
	return object.Status.Phase == corev1.PodSucceeded || object.Status.Phase == corev1.PodFailed
}
