// Package carbontest runs simulated Carbon servers in tests: it lays out a pod's files, gives it a loopback address and
// a DNS, and starts the program.
package carbontest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/sandbox/simulate"
)

// Namespace is that of all pods.
const Namespace = "apim"

// A Pod is where a simulated program runs.
type Pod struct {
	Env   simulate.Env
	Log   *Log
	ended chan error
	stop  context.CancelFunc
}

// NewPod makes a pod with files, by their path in the container, and variables.
func NewPod(t testing.TB, network *Network, files map[string][]byte, variables map[string]string) *Pod {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	log := &Log{}
	return &Pod{Log: log, Env: simulate.Env{
		Root: root, Listen: freeAddress(t), DNS: network.DNS, Namespace: Namespace, PodName: "pod",
		Getenv: func(name string) string { return variables[name] },
		Log:    slog.New(slog.NewTextHandler(log, nil)),
	}}
}

// freeAddress is a loopback address that no other pod of any test has: a port that no product has is kept open on it until the test ends.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 50 {
		address := fmt.Sprintf("127.253.%d.%d", rand.IntN(254)+1, rand.IntN(254)+1)
		if kept, err := net.Listen("tcp", address+":30999"); err == nil {
			t.Cleanup(func() { _ = kept.Close() })
			return address
		}
	}
	t.Fatal("no free loopback address")
	return ""
}

// Start starts the program and waits until it serves on 9443. The test's end stops it.
func (p *Pod) Start(t testing.TB, program simulate.Program) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.ended = stop, make(chan error, 1)
	go func() { p.ended <- program(ctx, p.Env) }()
	t.Cleanup(func() { p.Stop(t) })
	Eventually(t, "the server answers on 9443", func() bool {
		select {
		case err := <-p.ended:
			t.Fatalf("the server ended: %v", err)
		default:
		}
		conn, err := p.Env.Dialer()(t.Context(), "tcp", "localhost:9443")
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// Stop ends the program and waits for it.
func (p *Pod) Stop(t testing.TB) {
	t.Helper()
	if p.stop == nil {
		return
	}
	p.stop()
	p.stop = nil
	if err := <-p.ended; err != nil {
		t.Errorf("the server ended with: %v", err)
	}
}

// Eventually polls until the condition holds, for at most ten seconds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		if holds() {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Log is the container's log.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// Contains says whether the log has the text.
func (l *Log) Contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}
