package node

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestExecProbesOfTheChartsAreConnections(t *testing.T) {
	listener, err := net.Listen("tcp", "127.7.1.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, open, _ := net.SplitHostPort(listener.Addr().String())
	const closed = "1"
	for _, test := range []struct {
		name    string
		command []string
		failure string // "" for success
	}{
		{"identity server, up", []string{"/bin/sh", "-c", "nc -z localhost " + open}, ""},
		{"identity server, down", []string{"/bin/sh", "-c", "nc -z localhost " + closed}, "<empty>"},
		{"netcat with options", []string{"nc", "-v", "-w", "2", "-z", "127.0.0.1", open}, ""},
		{"api manager, up", []string{"/bin/sh", "-c", `timeout 1 bash -c "</dev/tcp/localhost/` + open + `"`}, ""},
		{"api manager, down", []string{"/bin/sh", "-c", `timeout 1 bash -c "</dev/tcp/localhost/` + closed + `"`}, "/dev/tcp/localhost/1: Connection refused"},
		{"another host", []string{"nc", "-z", "db.example.com", open}, "cannot run"},
		{"anything else", []string{"cat", "/tmp/healthy"}, `cannot run "cat /tmp/healthy"`},
	} {
		handler := corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: test.command}}
		err := newCheck(handler, nil, "10.7.1.1", "127.7.1.1")(t.Context())
		switch {
		case test.failure == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.failure == "<empty>" && (err == nil || err.Error() != ""):
			t.Errorf("%s: got %v, want a failure without words", test.name, err)
		case test.failure != "" && test.failure != "<empty>" && (err == nil || !strings.Contains(err.Error(), test.failure)):
			t.Errorf("%s: got %v, want %q", test.name, err, test.failure)
		}
	}
}

func TestHTTPProbesReachThePodAndSpeakOfItsAddress(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == "is.example.com":
			w.WriteHeader(http.StatusTeapot)
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "https://elsewhere.example.com/", http.StatusFound)
		case r.URL.Path != "/health":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	listener, err := net.Listen("tcp", "127.7.1.2:0")
	if err != nil {
		t.Fatal(err)
	}
	server.Listener.Close()
	server.Listener = listener
	server.StartTLS() // with a certificate that nobody trusts
	defer server.Close()
	port := int32(netip.MustParseAddrPort(listener.Addr().String()).Port())
	ports := []corev1.ContainerPort{{Name: "https", ContainerPort: port}}
	for _, test := range []struct {
		name    string
		get     corev1.HTTPGetAction
		failure string
	}{
		{"healthy", corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(port)}, ""},
		{"a port by name", corev1.HTTPGetAction{Path: "health", Port: intstr.FromString("https")}, ""},
		{"a redirect elsewhere", corev1.HTTPGetAction{Path: "/moved", Port: intstr.FromInt32(port)}, ""},
		{"unhealthy", corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(port)}, "HTTP probe failed with statuscode: 503"},
		{"a Host header", corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(port),
			HTTPHeaders: []corev1.HTTPHeader{{Name: "Host", Value: "is.example.com"}}}, "statuscode: 418"},
		{"nobody listens", corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(1)}, `Get "https://10.7.1.2:1/health": dial tcp 10.7.1.2:1: connect: connection refused`},
		{"no such port", corev1.HTTPGetAction{Port: intstr.FromString("admin")}, `couldn't find port "admin"`},
	} {
		test.get.Scheme = corev1.URISchemeHTTPS
		err := newCheck(corev1.ProbeHandler{HTTPGet: &test.get}, ports, "10.7.1.2", "127.7.1.2")(t.Context())
		if test.failure == "" && err != nil || test.failure != "" && (err == nil || !strings.Contains(err.Error(), test.failure)) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.failure)
		}
	}
}

func TestAProbeDecidesAfterThresholdsInARow(t *testing.T) {
	results := newTally(&corev1.Probe{SuccessThreshold: 2, FailureThreshold: 3})
	for i, step := range []struct{ success, decided bool }{
		{true, false}, {true, true}, {true, true},
		{false, false}, {false, false}, {true, false}, // a success breaks the row
		{false, false}, {false, false}, {false, true},
		{true, false}, {true, true},
	} {
		if got := results.add(step.success); got != step.decided {
			t.Errorf("result %d: decided %v, want %v", i, got, step.decided)
		}
	}
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
