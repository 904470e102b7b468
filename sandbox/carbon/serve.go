package carbon

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"lockstep/sandbox/fault"
)

// A Port is one listener of the server, before server.offset is added.
type Port struct {
	Number  int
	Plain   bool // HTTP; otherwise HTTPS with keystore.tls
	Handler http.Handler
}

// Serve opens the ports, all of them before it answers on any, and serves until ctx ends.
func (s *Server) Serve(ctx context.Context, ports ...Port) error {
	listeners, err := s.listen(ports)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, port := range ports {
		server := &http.Server{
			Handler:           s.named(fault.Handler(s.Env.Faults, s.Program, port.Handler)),
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          slog.NewLogLogger(s.Env.Log.Handler(), slog.LevelDebug),
		}
		group.Go(func() error { return server.Serve(listeners[i]) })
		group.Go(func() error {
			<-ctx.Done()
			return server.Close()
		})
	}
	if err := group.Wait(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Server) listen(ports []Port) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, port := range ports {
		listener, err := s.Env.Listener(port.Number + s.Offset)
		if err != nil {
			for _, open := range listeners {
				err = errors.Join(err, open.Close())
			}
			return nil, err
		}
		if !port.Plain {
			listener = tls.NewListener(listener, s.serverTLS())
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

func (s *Server) serverTLS() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{s.TLS.Certificate()},
		NextProtos:   []string{"http/1.1"},
	}
}

func (s *Server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "WSO2 Carbon Server (simulated)")
		next.ServeHTTP(w, r)
	})
}

// JSON answers with body, with nothing if it is nil.
func JSON(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody to tell
}

// Page answers with a small page that says what it is.
func Page(title string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>" + title + " (simulated)</title><h1>" + title +
			"</h1><p>This is Lockstep's simulated server: it has APIs, but no user interface.</p>\n"))
	}
}
