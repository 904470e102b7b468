// Package envoy simulates Envoy Gateway: its controller, which gives Gateway API objects their status and Gateways a
// proxy, and the proxy, which ends TLS, routes and verifies backends. It reads the cluster's real objects, checked by
// the real CRDs. Not simulated: filters, header and query matches, weights, ReferenceGrants and rate limits.
package envoy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"lockstep/sandbox/envoy/certgen"
	"lockstep/sandbox/simulate"
)

const healthPort = 8081

// RunController is the program of the simulated image envoyproxy/gateway. Its first argument says what it does:
// certgen makes the control plane's certificates and ends, server runs the controller.
func RunController(ctx context.Context, env simulate.Env) error {
	client, err := connect(env.Kubeconfig)
	if err != nil {
		return err
	}
	namespace := cmp.Or(env.Getenv("ENVOY_GATEWAY_NAMESPACE"), env.Namespace)
	switch {
	case slices.Contains(env.Args, "certgen"):
		return certgen.Run(ctx, client, namespace, !slices.Contains(env.Args, "--disable-topology-injector"), env.Log)
	case slices.Contains(env.Args, "server"):
		return serve(ctx, env, client, namespace)
	}
	return fmt.Errorf("the simulated envoy-gateway knows certgen and server, not %q", env.Args)
}

func serve(ctx context.Context, env simulate.Env, client dynamic.Interface, namespace string) error {
	controller, err := controllerName(env.Path("/config/envoy-gateway.yaml"))
	if err != nil {
		return err
	}
	var ready atomic.Bool
	stop, err := serveHealth(env, healthPort, []string{"/healthz", "/readyz"}, &ready)
	if err != nil {
		return err
	}
	defer stop()
	if !wait(ctx, env.Boot) {
		return nil
	}
	watcher, err := watch(ctx, client, ofController(namespace))
	if err != nil {
		return err
	}
	ready.Store(true)
	env.Log.Info("simulated Envoy Gateway is watching", "controller", controller, "namespace", namespace)
	loop := reconciler{client: client, log: env.Log, now: time.Now}
	for {
		if err := loop.reconcile(ctx, watcher.world(namespace, controller)); err != nil && ctx.Err() == nil {
			env.Log.Warn("reconciling failed, trying again", "error", err)
			time.AfterFunc(time.Second, watcher.signal)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.changed:
			wait(ctx, 20*time.Millisecond) // what changes together is looked at together
		}
	}
}

// controllerName reads gateway.controllerName of the mounted configuration.
func controllerName(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading configuration: %w", err)
	}
	var config struct {
		Gateway struct {
			ControllerName string `json:"controllerName"`
		} `json:"gateway"`
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		return "", fmt.Errorf("reading configuration: %w", err)
	}
	return cmp.Or(config.Gateway.ControllerName, DefaultController), nil
}

// serveHealth answers probes: 200 to each path once ready, 503 before.
func serveHealth(env simulate.Env, port int, paths []string, ready *atomic.Bool) (stop func(), err error) {
	listener, err := env.Listener(port)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, path := range paths {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			if !ready.Load() {
				http.Error(w, "not ready", http.StatusServiceUnavailable)
			}
		})
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }, nil
}

// wait says whether ctx still lives after d.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
