package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"lockstep/config/settings"
	"lockstep/starter/api/boundary"
)

// drain is how long requests have to end once the server stops. Streams end at once.
const drain = 20 * time.Second

// Serve answers at the address of the settings until ctx ends. listening is told the address once it does.
func Serve(ctx context.Context, c settings.Server, s *Server, listening func(net.Addr)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return fmt.Errorf("listening: %w; set api.address (LOCKSTEP_API_ADDRESS) to a free address", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 2 * boundary.MaxHeaders,
		DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)}
	if c.TLSCert != "" {
		if server.TLSConfig, err = newTLS(c.TLSCert, c.TLSKey, s.Log); err != nil {
			_ = listener.Close()
			return err
		}
	}
	server.RegisterOnShutdown(s.Stop)
	ended := make(chan error, 1)
	go func() { ended <- accept(server, listener, server.TLSConfig) }()
	listening(listener.Addr())
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}

func accept(server *http.Server, listener net.Listener, config *tls.Config) error {
	if config != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

// Check asks the server of these settings, on this machine, whether it reaches Temporal.
func Check(ctx context.Context, c settings.Server) error {
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil {
		return fmt.Errorf("reading api.address: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost" // it listens everywhere
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking the API: %w", err)
	}
	// Its certificate is for the name that callers know it by, and the answer is one word.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the API: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the API: it answers %s; see its log", response.Status)
	}
	return nil
}
