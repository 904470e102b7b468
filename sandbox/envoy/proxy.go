package envoy

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"lockstep/sandbox/simulate"
)

// RunProxy is the program of the simulated image envoyproxy/envoy: the proxy of one Gateway, which it finds by its
// argument --service-cluster namespace/name. It reads routes, policies and certificates from the cluster itself.
func RunProxy(ctx context.Context, env simulate.Env) error {
	namespace, name, err := serves(env.Args)
	if err != nil {
		return err
	}
	client, err := connect(env.Kubeconfig)
	if err != nil {
		return err
	}
	var ready atomic.Bool
	stop, err := serveHealth(env, readinessPort, []string{"/ready"}, &ready)
	if err != nil {
		return err
	}
	defer stop()
	if !wait(ctx, env.Boot) {
		return nil
	}
	watcher, err := watch(ctx, client, ofProxy(namespace, name))
	if err != nil {
		return err
	}
	p := newProxy(env.Dialer(), env.Log)
	defer p.close()
	for {
		if err := p.update(watcher.world(env.Namespace, ""), namespace, name, env.Listener); err != nil {
			return err
		}
		ready.Store(true)
		select {
		case <-ctx.Done():
			return nil
		case <-watcher.changed:
			wait(ctx, 20*time.Millisecond) // what changes together is looked at together
		}
	}
}

// serves reads which Gateway the proxy belongs to.
func serves(args []string) (namespace, name string, err error) {
	i := slices.Index(args, "--service-cluster")
	if i < 0 || i+1 == len(args) {
		return "", "", fmt.Errorf("the simulated envoy needs --service-cluster namespace/name, not %q", args)
	}
	namespace, name, ok := strings.Cut(args[i+1], "/")
	if !ok {
		return "", "", fmt.Errorf("--service-cluster %q is not namespace/name", args[i+1])
	}
	return namespace, name, nil
}

// proxy serves by the table it was last given.
type proxy struct {
	current atomic.Pointer[table]
	forward *forwarder
	servers map[int32]*http.Server
	log     *slog.Logger
}

func newProxy(dial dial, log *slog.Logger) *proxy {
	p := &proxy{forward: newForwarder(dial), servers: map[int32]*http.Server{}, log: log}
	p.current.Store(&table{})
	return p
}

// update takes the Gateway's table from w, and listens on the ports it has.
func (p *proxy) update(w *world, namespace, name string, listen func(int) (net.Listener, error)) error {
	var next table
	for _, g := range w.gateways {
		if g.Namespace != namespace || g.Name != name {
			continue
		}
		for _, class := range w.classes {
			if class.Name == g.Spec.GatewayClassName {
				w.controller = class.Spec.ControllerName
			}
		}
		next = w.table(g)
	}
	p.current.Store(&next)
	p.forward.keep(next)
	for _, l := range next.listeners {
		if p.servers[l.port] != nil {
			continue
		}
		listener, err := listen(int(l.port))
		if err != nil {
			return err
		}
		p.servers[l.port] = p.serve(l.port, listener, l.certificate != nil)
		p.log.Info("simulated Envoy is listening", "port", l.port, "tls", l.certificate != nil)
	}
	return nil
}

func (p *proxy) serve(port int32, listener net.Listener, secure bool) *http.Server {
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.handle(port, w, r) }),
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: time.Minute,
	}
	if !secure {
		go func() { _ = server.Serve(listener) }()
		return server
	}
	server.TLSConfig = &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if !p.current.Load().overlapping(port, hello.ServerName) {
				return nil, nil // the one that is there
			}
			config := server.TLSConfig.Clone()
			config.NextProtos = []string{"http/1.1"}
			return config, nil
		},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if l, ok := p.current.Load().listener(port, hello.ServerName); ok {
				return l.certificate, nil
			}
			return nil, fmt.Errorf("no listener for server name %q", hello.ServerName)
		},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return server
}

// handle answers one request. The listener is that of the TLS server name, as Envoy's filter chains are.
func (p *proxy) handle(port int32, w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	chain := host
	if r.TLS != nil {
		chain = r.TLS.ServerName
	}
	l, _ := p.current.Load().listener(port, chain)
	route, ok := l.route(host, cmp.Or(r.URL.Path, "/"))
	switch {
	case !ok:
		answer(w, http.StatusNotFound, "")
	case route.upstream == nil:
		answer(w, http.StatusInternalServerError, "")
	default:
		p.forward.to(route.upstream).ServeHTTP(w, r)
	}
}

// close lets requests end for a moment, then ends them.
func (p *proxy) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, server := range p.servers {
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}
}
