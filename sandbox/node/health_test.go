package node

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

type silentRecorder struct{}

func (silentRecorder) Event(runtime.Object, string, string, string)          {}
func (silentRecorder) Eventf(runtime.Object, string, string, string, ...any) {}
func (silentRecorder) AnnotatedEventf(runtime.Object, map[string]string, string, string, string, ...any) {
}

// probed is a container whose startup, readiness and liveness probes connect to given ports.
func probed(t *testing.T, startup, readiness, liveness int32) *container {
	probe := func(port int32) *corev1.Probe {
		if port == 0 {
			return nil
		}
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}}, PeriodSeconds: 1, FailureThreshold: 2}
	}
	n := &node{Options: Options{Instance: 7, ProbeScale: 1000}, events: silentRecorder{}}
	p := &pod{node: n, object: &corev1.Pod{}, address: netip.MustParseAddr("10.7.1.3"), changed: make(chan struct{}, 1)}
	return &container{pod: p, spec: corev1.Container{StartupProbe: probe(startup), ReadinessProbe: probe(readiness), LivenessProbe: probe(liveness)}}
}

func TestAFailedStartupProbeKillsBeforeAnyOtherRuns(t *testing.T) {
	c := probed(t, 1, 1, 1)
	var killed []string
	c.watchHealth(t.Context(), func(probe string) { killed = append(killed, probe) })
	if len(killed) != 1 || killed[0] != "startup" || c.status.Started != nil {
		t.Errorf("killed %v, started %v", killed, c.status.Started)
	}
}

func TestAContainerIsReadyOnlyWhileItsReadinessProbeSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.7.1.3:0")
	if err != nil {
		t.Fatal(err)
	}
	port := int32(netip.MustParseAddrPort(listener.Addr().String()).Port())
	c := probed(t, port, port, port)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	killed := make(chan string, 1)
	go c.watchHealth(ctx, func(probe string) { killed <- probe })
	for !c.ready() {
		<-c.pod.changed
	}
	listener.Close()
	if probe := <-killed; probe != "liveness" {
		t.Errorf("killed by the %s probe", probe)
	}
	for c.ready() {
		<-c.pod.changed
	}
}

func TestAProbeThatSaysTheSameAgainWritesNothing(t *testing.T) {
	c := probed(t, 0, 0, 0)
	written := func(ready bool) bool {
		c.change(func(status *corev1.ContainerStatus) { status.Ready = ready })
		select {
		case <-c.pod.changed:
			return true
		default:
			return false
		}
	}
	for _, step := range []struct{ ready, written bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		if got := written(step.ready); got != step.written {
			t.Errorf("ready %v: written %v", step.ready, got)
		}
	}
	c.startedAt = time.Now()
	c.ended(0)
	if at := c.status.State.Terminated.FinishedAt; at.Nanosecond() != 0 {
		t.Errorf("%v is finer than what the API stores", at)
	}
}

func (c *container) ready() bool {
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	return c.status.Ready
}
