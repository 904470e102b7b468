package node

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/sandbox/node/probe"
)

// watchHealth runs the container's probes until ctx ends, and no longer. It sets started and ready in the container's status, and calls
// kill, once, when the startup or liveness probe has failed for good.
func (c *container) watchHealth(ctx context.Context, kill func(probe string)) {
	var watching sync.WaitGroup
	defer watching.Wait()
	if c.spec.StartupProbe != nil {
		up := c.watch(ctx, "Startup", c.spec.StartupProbe, func(bool) bool { return true })
		if !up {
			kill("startup")
			return
		}
	}
	if ctx.Err() != nil {
		return
	}
	c.change(func(status *corev1.ContainerStatus) {
		started := true
		status.Started = &started
		status.Ready = c.spec.ReadinessProbe == nil
	})
	if c.spec.ReadinessProbe != nil {
		watching.Go(func() {
			c.watch(ctx, "Readiness", c.spec.ReadinessProbe, func(success bool) bool {
				c.change(func(status *corev1.ContainerStatus) { status.Ready = success })
				return false
			})
		})
	}
	if c.spec.LivenessProbe != nil {
		alive := c.watch(ctx, "Liveness", c.spec.LivenessProbe, func(success bool) bool { return !success })
		if !alive {
			kill("liveness")
		}
	}
}

// watch runs one probe, calling decided with each verdict until that returns true or ctx ends. It returns the last
// verdict, true if there was none. kind is the probe's name in events.
func (c *container) watch(ctx context.Context, kind string, spec *corev1.Probe, decided func(success bool) bool) bool {
	n := c.pod.node
	run := probe.NewCheck(spec.ProbeHandler, c.spec.Ports, c.pod.address.String(), c.pod.loopback().String())
	results := probe.NewTally(spec)
	initial := n.scaled(time.Duration(spec.InitialDelaySeconds) * time.Second)
	if !sleep(ctx, initial-time.Since(c.startedAt)) {
		return true
	}
	for {
		err := attempt(ctx, run, time.Duration(max(1, spec.TimeoutSeconds))*time.Second)
		if ctx.Err() != nil {
			return true // the pod is going; that is no verdict
		}
		if err != nil {
			c.event(corev1.EventTypeWarning, "Unhealthy", "%s probe failed: %s", kind, err)
		}
		if results.Add(err == nil) && decided(err == nil) {
			return err == nil
		}
		if !sleep(ctx, n.scaled(time.Duration(max(1, spec.PeriodSeconds))*time.Second)) {
			return true
		}
	}
}

// attempt runs a check within its timeout, which is not scaled: a simulated program is no faster for it.
func attempt(ctx context.Context, run probe.Check, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return run(ctx)
}

// sleep returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
