package api

import (
	"context"
	"net"
	"time"

	"lockstep/config/settings"
	"lockstep/starter/api/boundary"
	"lockstep/starter/serving"
)

// drain is how long requests have to end once the server stops. Streams end at once.
const drain = 20 * time.Second

var name = serving.Name{Title: "API", Key: "api", Variable: "LOCKSTEP_API_ADDRESS"}

// Serve answers at the address of the settings until ctx ends. listening is told the address once it does.
func Serve(ctx context.Context, c settings.Server, s *Server, listening func(net.Addr)) error {
	return serving.Serve(ctx, serving.Options{Name: name, Settings: c, Handler: s, MaxHeaders: 2 * boundary.MaxHeaders, Drain: drain, OnStop: s.Stop,
		Log: s.Log, Connections: s.Log}, listening)
}

// Check asks the server of these settings, on this machine, whether it reaches Temporal.
func Check(ctx context.Context, c settings.Server) error {
	return serving.Check(ctx, name, c, "/readyz")
}
