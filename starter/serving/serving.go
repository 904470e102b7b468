// Package serving runs the HTTP servers of the command line, the API and the codec server: it listens where their settings say, with a
// certificate that may be renewed meanwhile, and lets requests end when it stops. It also asks a server that runs whether it is well.
package serving

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
)

// Name is how messages call a server and its settings.
type Name struct {
	// Title is how people call it, as "API".
	Title string
	// Key is what its settings begin with, as "api", and Variable the environment variable of its address.
	Key, Variable string
}

// Options are what a server needs.
type Options struct {
	Name
	Settings settings.Server
	Handler  http.Handler
	// MaxHeaders bounds the header of a request, in bytes.
	MaxHeaders int
	// Patience is how long a request may take to come or an answer to go. 0: the handler bounds that itself.
	Patience time.Duration
	// Drain is how long requests have to end once the server stops.
	Drain time.Duration
	// OnStop is called when the server begins to stop. It may be nil.
	OnStop func()
	// Log hears of renewed certificates, and Connections, at level debug, of what goes wrong with single connections.
	Log, Connections *slog.Logger
}

// readHeader is how long the header of a request may take to come, and idle how long a connection is kept without a request.
const (
	readHeader = 5 * time.Second
	idle       = time.Minute
)

// Serve answers until ctx ends. listening is told the address once it does.
func Serve(ctx context.Context, o Options, listening func(net.Addr)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Settings.Address)
	if err != nil {
		return fmt.Errorf("listening: %w; set %s.address (%s) to a free address", err, o.Key, o.Variable)
	}
	server, err := o.server()
	if err != nil {
		_ = listener.Close()
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- accept(server, listener) }()
	listening(listener.Addr())
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Drain)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}

func (o Options) server() (*http.Server, error) {
	server := &http.Server{Handler: o.Handler, ReadHeaderTimeout: readHeader, ReadTimeout: o.Patience, WriteTimeout: o.Patience, IdleTimeout: idle,
		MaxHeaderBytes: o.MaxHeaders, DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(o.Connections.Handler(), slog.LevelDebug)}
	if o.OnStop != nil {
		server.RegisterOnShutdown(o.OnStop)
	}
	if o.Settings.TLSCert == "" {
		return server, nil
	}
	var err error
	server.TLSConfig, err = (&pair{cert: o.Settings.TLSCert, key: o.Settings.TLSKey, of: o.Name, log: o.Log}).config()
	return server, err
}

func accept(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

// asking is how long a server has to say whether it is well.
const asking = 3 * time.Second

// Check asks the server of these settings, on this machine, whether it is well. path is the probe.
func Check(ctx context.Context, name Name, s settings.Server, path string) error {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return fmt.Errorf("reading %s.address: %w", name.Key, err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost" // it listens everywhere
	}
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return fmt.Errorf("asking the %s: %w", name.Title, err)
	}
	// Its certificate is for the name that callers know it by, and the answer is one word.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking the %s: %w", name.Title, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the %s: it answers %s; see its log", name.Title, answer.Status)
	}
	return nil
}
