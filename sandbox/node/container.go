package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"lockstep/sandbox/node/image"
)

// A container of a pod. Its status is guarded by the pod; see change.
type container struct {
	pod       *pod
	spec      corev1.Container
	isInit    bool
	status    corev1.ContainerStatus
	startedAt time.Time // of the present run
}

func (c *container) dir() string             { return filepath.Join(c.pod.dir, c.spec.Name) }
func (c *container) rootDir() string         { return filepath.Join(c.dir(), "rootfs") }
func (c *container) logFile() string         { return filepath.Join(c.dir(), "current.log") }
func (c *container) previousLogFile() string { return filepath.Join(c.dir(), "previous.log") }

// run runs the container again and again, as the pod's restart policy says, until it is done or ctx ends. It returns
// whether the last run succeeded.
func (c *container) run(ctx context.Context) bool {
	var crashes backOff
	for {
		from, ok := c.obtainImage(ctx)
		if !ok {
			return false
		}
		code, ok := c.runOnce(ctx, from)
		if !ok || !c.restarts(code) {
			return ok && code == 0
		}
		if !c.backOff(ctx, &crashes) {
			return false
		}
	}
}

func (c *container) restarts(code int) bool {
	switch c.pod.object.Spec.RestartPolicy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return code != 0
	}
	return !c.isInit || code != 0
}

// backOff waits before a restart, and returns false if ctx ended meanwhile.
func (c *container) backOff(ctx context.Context, crashes *backOff) bool {
	wait := c.pod.node.scaled(crashes.crash(time.Since(c.startedAt)))
	if wait > 0 {
		name := fmt.Sprintf("%s_%s(%s)", c.pod.object.Name, c.pod.object.Namespace, c.pod.object.UID)
		c.event(corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container %s in pod %s", c.spec.Name, name)
		c.wait("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", wait, c.spec.Name, name))
		if !sleep(ctx, wait) {
			return false
		}
	}
	c.change(func(status *corev1.ContainerStatus) { status.RestartCount++ })
	return ctx.Err() == nil
}

// runOnce runs the container from start to end. ok is false if it never started because ctx ended.
func (c *container) runOnce(ctx context.Context, from image.Image) (code int, ok bool) {
	run, log, ok := c.start(ctx, from)
	if !ok {
		return 0, false
	}
	if run == nil {
		return startFailed, true
	}
	unhealthy := make(chan string, 1)
	probing, stopProbing := context.WithCancel(ctx)
	defer stopProbing()
	var health sync.WaitGroup
	if !c.isInit {
		health.Go(func() { c.watchHealth(probing, func(probe string) { unhealthy <- probe }) })
	}
	select {
	case <-run.Done():
	case probe := <-unhealthy:
		c.event(corev1.EventTypeNormal, "Killing", "Container %s failed %s probe, will be restarted", c.spec.Name, probe)
		run.Stop(c.pod.grace())
	case <-ctx.Done():
		c.event(corev1.EventTypeNormal, "Killing", "Stopping container %s", c.spec.Name)
		run.Stop(c.pod.grace())
	}
	stopProbing()
	health.Wait()
	_ = log.Close()
	_ = os.Remove(c.previousLogFile())
	_ = os.Link(c.logFile(), c.previousLogFile()) // what `logs --previous` shows from now on
	c.ended(run.Code())
	return run.Code(), true
}

// ended records the end of a run.
func (c *container) ended(code int) {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	c.change(func(status *corev1.ContainerStatus) {
		status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: int32(code), Reason: reason, ContainerID: status.ContainerID,
			StartedAt: seconds(c.startedAt), FinishedAt: seconds(time.Now()),
		}}
		started := false
		status.Started = &started
		status.Ready = c.isInit && code == 0
	})
}

// wait records that the container waits, and what for.
func (c *container) wait(reason, message string) {
	c.change(func(status *corev1.ContainerStatus) {
		if status.State.Terminated != nil {
			status.LastTerminationState = status.State
		}
		status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
		status.Ready = false
	})
}

// change changes the container's status and has it written. A probe that says what the one before said changes nothing.
func (c *container) change(edit func(*corev1.ContainerStatus)) {
	c.pod.change(func() bool {
		before := c.status.DeepCopy()
		edit(&c.status)
		return !equality.Semantic.DeepEqual(*before, c.status)
	})
}

// A kubelet's back-off between restarts of a container, and between pulls of an image.
const (
	firstBackOff = 10 * time.Second
	maxBackOff   = 5 * time.Minute
	calmAfter    = 10 * time.Minute // a container that ran this long starts anew
)

// backOff doubles from firstBackOff to maxBackOff.
type backOff struct{ next time.Duration }

// crash is how long to wait before the restart of a container that ran for some time: not at all the first time.
func (b *backOff) crash(ran time.Duration) time.Duration {
	if ran >= calmAfter {
		b.next = 0
	}
	wait := b.next
	b.next = min(max(firstBackOff, 2*b.next), maxBackOff)
	return wait
}

// pull is how long to wait after a failed pull.
func (b *backOff) pull() time.Duration {
	b.next = min(max(firstBackOff, 2*b.next), maxBackOff)
	return b.next
}
