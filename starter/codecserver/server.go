// Package codecserver decodes what Temporal stores for people who may read it: the Temporal UI and the temporal command line ask it for
// what they show, and encode with it what they send.
package codecserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"go.temporal.io/sdk/converter"

	"lockstep/config/settings"
	"lockstep/starter/api/auth"
	"lockstep/starter/serving"
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
	// UI is that of a Temporal without a login, to be served behind this server's, at the first of Origins. nil: none.
	UI *url.URL
	// Log hears of every request, without what is in it.
	Log *slog.Logger
}

// Handler answers POST /decode and /encode as the Temporal UI and command line ask, lets people log in whose UI has no login
// (/login), says that it lives (/livez), and serves that UI behind its login if there is one to serve.
func Handler(o Options) http.Handler {
	decoded := authorized(o.Guard, payloads, bounded(converter.NewPayloadCodecHTTPHandler(o.Codec)))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", live)
	mux.Handle("POST /decode", decoded)
	mux.Handle("POST /encode", decoded)
	if o.Guard != nil {
		mux.HandleFunc("GET /login", form)
		mux.Handle("POST /login", login(o.Guard, o.UI != nil))
	}
	if o.UI != nil {
		mux.Handle("/", temporalUI(o))
	}
	return logged(o.Log, shared(o.Origins, mux))
}

func live(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }

const (
	// patience is how long a request may take to come or an answer to go.
	patience = 30 * time.Second
	// drain is how long requests have to end once the server stops.
	drain = 10 * time.Second
	// maxHeaders bounds the header of a request, in bytes.
	maxHeaders = 64 << 10
)

var name = serving.Name{Title: "codec server", Key: "codecServer", Variable: "LOCKSTEP_CODEC_SERVER_ADDRESS"}

// Serve answers at the address of the settings until ctx ends. listening is told the address once it does.
func Serve(ctx context.Context, c settings.CodecServer, o Options, listening func(net.Addr)) error {
	return serving.Serve(ctx, serving.Options{Name: name, Settings: c.Server, Handler: Handler(o), MaxHeaders: maxHeaders, Patience: patience, Drain: drain,
		Log: o.Log, Connections: slog.New(slog.DiscardHandler)}, listening)
}

// Check asks the codec server of these settings, on this machine, whether it lives.
func Check(ctx context.Context, c settings.CodecServer) error {
	return serving.Check(ctx, name, c.Server, "/livez")
}
