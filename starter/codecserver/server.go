// Package codecserver decodes what Temporal stores for people who may read it: the Temporal UI and the temporal command line ask it for
// what they show, and encode with it what they send.
package codecserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/converter"

	"lockstep/config/settings"
	"lockstep/starter/api/auth"
)

// Guard knows callers and what they may do; it is [auth.Guard].
type Guard interface {
	Middleware(http.Handler) http.Handler
	Authorize(ctx context.Context, action auth.Action, environment string) error
}

// Options are what a codec server needs.
type Options struct {
	Codec converter.PayloadCodec
	// Guard of whoever asks. nil: anybody who reaches the server may.
	Guard Guard
	// Origins of the UIs that may ask, as http://localhost:8233.
	Origins []string
	// Log hears of every request, without what is in it.
	Log *slog.Logger
}

// Handler answers POST /decode and /encode as the Temporal UI and command line ask, lets people log in whose UI has no login
// (/login), and says that it lives (/livez).
func Handler(o Options) http.Handler {
	payloads := authorized(o.Guard, bounded(converter.NewPayloadCodecHTTPHandler(o.Codec)))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", live)
	mux.Handle("POST /decode", payloads)
	mux.Handle("POST /encode", payloads)
	if o.Guard != nil {
		mux.HandleFunc("GET /login", form)
		mux.Handle("POST /login", login(o.Guard))
	}
	return logged(o.Log, shared(o.Origins, mux))
}

func live(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }

const (
	// patience is how long a request may take to come or an answer to go.
	patience = 30 * time.Second
	// drain is how long requests have to end once the server stops.
	drain = 10 * time.Second
)

// Serve answers at the address of the settings until ctx ends. listening is told the address once it does.
func Serve(ctx context.Context, c settings.CodecServer, handler http.Handler, listening func(net.Addr)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return fmt.Errorf("listening: %w; set codecServer.address (LOCKSTEP_CODEC_SERVER_ADDRESS) to a free address", err)
	}
	if c.TLSCert != "" {
		config, err := tlsConfig(c.TLSCert, c.TLSKey)
		if err != nil {
			_ = listener.Close()
			return err
		}
		listener = tls.NewListener(listener, config)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
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

// tlsConfig reads the certificate for each connection, so that a renewed one is used at once. While certificate and key do not fit together,
// as in the middle of a change, the pair before goes on.
func tlsConfig(cert, key string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("reading the codec server's certificate: %w; set codecServer.tlsCert and codecServer.tlsKey to a certificate chain and its key, in PEM", err)
	}
	var good atomic.Pointer[tls.Certificate]
	good.Store(&pair)
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if renewed, err := tls.LoadX509KeyPair(cert, key); err == nil {
			good.Store(&renewed)
		}
		return good.Load(), nil
	}}, nil
}
