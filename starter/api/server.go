// Package api is the REST API: environments, operations and their progress, schedules. It keeps nothing: what is true is in the folder of
// environments and in Temporal, so that any number of servers give the same answers.
//
// A request passes, in this order: what is counted and logged, what bounds it ([boundary]), who asks (guard.go, [auth]), the route, huma's
// check against the schema (document.go), and a handler, which asks for permission before it looks at anything.
package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.temporal.io/sdk/client"

	"lockstep/starter/api/boundary"
	"lockstep/starter/api/docs"
	"lockstep/starter/api/monitoring"
	"lockstep/starter/api/stream"
	"lockstep/starter/operations"
)

// Options are what a server needs.
type Options struct {
	Operations operations.Client
	// Environments is the folder of environment files.
	Environments string
	// Guard knows callers. nil: whoever reaches the server may do everything, if they address it by a name of this machine.
	Guard Guard
	// Log hears of every request.
	Log *slog.Logger

	// Heartbeat is between comments in a stream of events on which nothing happens. Default 15s.
	Heartbeat time.Duration
	// PollEvery is how often an operation is asked that somebody watches. Default 1s.
	PollEvery time.Duration
	// MaxWatchers and MaxWatched bound streams of events, and the operations they are of. Defaults 2000 and 100.
	MaxWatchers, MaxWatched int
	// MaxWatchersEach bounds the streams of one caller. Default half of MaxWatchers.
	MaxWatchersEach int
}

func (o *Options) defaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.PollEvery == 0 {
		o.PollEvery = time.Second
	}
	if o.MaxWatchers == 0 {
		o.MaxWatchers = 2000
	}
	if o.MaxWatchersEach == 0 {
		o.MaxWatchersEach = (o.MaxWatchers + 1) / 2
	}
	if o.MaxWatched == 0 {
		o.MaxWatched = 100
	}
}

// Server answers requests.
type Server struct {
	Options
	handler  http.Handler
	mux      *http.ServeMux
	document []byte // OpenAPI
	metrics  *monitoring.Metrics
	health   *monitoring.Health
	feeds    *stream.Feeds
	bodies   boundary.Bodies

	stopping chan struct{}
	stop     sync.Once
}

// New is a server that is ready to answer.
func New(o Options) (*Server, error) {
	o.defaults()
	s := &Server{Options: o, mux: http.NewServeMux(), metrics: monitoring.NewMetrics(), stopping: make(chan struct{})}
	anonymous := o.Guard == nil
	if anonymous {
		s.Guard = everybody{o.Log}
	}
	s.health = monitoring.NewHealth(s.askTemporal, s.stopping)
	s.feeds = stream.New(stream.Options{Look: s.look, PollEvery: o.PollEvery, MaxWatchers: o.MaxWatchers, MaxWatchersEach: o.MaxWatchersEach,
		MaxWatched: o.MaxWatched, Metrics: s.metrics})
	if err := s.routes(); err != nil {
		return nil, err
	}
	routed := http.HandlerFunc(s.route)
	known := s.Guard.Middleware(routed)
	s.handler = s.counted(boundary.Secured(boundary.Bounded(boundary.SameOrigin(anonymous, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1" || strings.HasPrefix(r.URL.Path, "/v1/") {
			known.ServeHTTP(w, r)
			return
		}
		routed(w, r)
	})))))
	return s, nil
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Stop ends streams of events, telling watchers to ask another server, and says to probes that this one takes no more requests.
func (s *Server) Stop() { s.stop.Do(func() { close(s.stopping) }) }

// routes are all there are. What is outside of /v1 is for everybody, and says nothing about environments or callers.
func (s *Server) routes() error {
	api, err := s.newAPI()
	if err != nil {
		return err
	}
	s.environmentRoutes(api)
	s.operationRoutes(api)
	s.startRoutes(api)
	s.controlRoutes(api)
	s.eventRoutes(api)
	s.scheduleRoutes(api)
	s.clusterRoutes(api)
	if s.document, err = document(api.OpenAPI()); err != nil {
		return fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	s.mux.HandleFunc("GET /openapi.json", s.serveDocument)
	s.mux.HandleFunc("GET /livez", s.health.Livez)
	s.mux.HandleFunc("GET /readyz", s.health.Readyz)
	s.mux.Handle("GET /metrics", s.metrics.Handler())
	docs.Serve(s.mux)
	return nil
}

func (s *Server) askTemporal(ctx context.Context) error {
	_, err := s.Operations.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// tags of the document, in the order of its chapters.
func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: "environments", Description: "What there is to operate on: files in the server's folder"},
		{Name: "operations", Description: "Starting, finding, watching and deciding operations; at most one runs on an environment"},
		{Name: "schedules", Description: "Recurring operations"},
		{Name: "clusters", Description: "Where environments are, and which workers serve them"},
	}
}
