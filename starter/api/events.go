package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lockstep/starter/api/auth"
	"lockstep/starter/api/stream"
)

// lookPatience is how long Temporal and the workers may take to tell of an operation that is watched.
const lookPatience = 15 * time.Second

type eventsInput struct {
	OperationPath
	LastEventID string `header:"Last-Event-ID" maxLength:"64" doc:"Id of the last event that was seen: the stream goes on from there, on whichever server"`
}

func (s *Server) eventRoutes(api huma.API) {
	handle(s, api, route{method: http.MethodGet, path: "/v1/environments/{environment}/operations/{operation}/events", id: "watch-operation", tag: "operations",
		refusals: []int{404}, also: []int{http.StatusNoContent}, patience: -1,
		summary: "Watch an operation",
		text: "Server-sent events. `board` holds the whole operation, as reading it does, and comes with each change; its id is a digest of it, so every server knows where a client " +
			"left off. Boards in between may be left out, the last one never is. `end` follows it and closes the stream; a client that asks again with the id of `end` gets 204, which ends " +
			"the retries of browsers. `reconnect` says that this server stops: ask again. `refused` says that you may no longer watch. A comment comes every 15 seconds.",
		answers: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString,
			Description: "Lines id, event and data. The data of board is an OperationDetails, that of end has outcome and error."}}}}},
	}, s.watch)
}

// watch answers with a stream, once it is known that there is something to watch.
func (s *Server) watch(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	if err := s.Guard.Authorize(ctx, auth.WatchOperation, in.Environment); err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	o, err := s.Operations.Get(asking, in.Environment, in.Operation)
	if err != nil {
		return nil, err
	}
	if !o.Running() {
		return s.replay(asking, in)
	}
	key := stream.Key{Environment: in.Environment, Operation: in.Operation}
	identity, _ := auth.FromContext(ctx)
	caller := identity.Via + "/" + identity.Name + "/" + identity.Subject
	f, err := s.feeds.Join(key, caller)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer s.feeds.Leave(f, caller)
		if out, ok := open(c); ok {
			s.stream(ctx, out, f, in)
		}
	}}, nil
}

// replay is the stream of an operation that has ended: it takes no feed.
func (s *Server) replay(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	details, err := s.details(ctx, in.Environment, in.Operation)
	if err != nil {
		return nil, err
	}
	last := newSnapshot(details)
	return &huma.StreamResponse{Body: func(c huma.Context) {
		if in.LastEventID == last.EndID() {
			c.SetStatus(http.StatusNoContent)
			return
		}
		if out, ok := open(c); ok {
			_ = out.Show(last, in.LastEventID)
		}
	}}, nil
}

// stream sends what changes until the operation, the client or this server ends.
func (s *Server) stream(ctx context.Context, out *stream.Writer, f *stream.Feed, in *eventsInput) {
	sent := in.LastEventID
	heartbeat := time.NewTicker(s.Heartbeat)
	defer heartbeat.Stop()
	for {
		newest, changed := f.Now()
		if newest != nil {
			if err := out.Show(newest, sent); err != nil || newest.Ended() {
				return
			}
			sent = newest.ID
		}
		select {
		case <-changed:
		case <-heartbeat.C:
			if !s.still(ctx, out, in.Environment) {
				return
			}
		case <-s.stopping:
			out.Reconnect()
			return
		case <-ctx.Done():
			return
		}
	}
}

// still says whether the client is there and may go on watching.
func (s *Server) still(ctx context.Context, out *stream.Writer, environment string) bool {
	identity, err := s.Guard.Recheck(ctx)
	if err == nil {
		err = auth.Allowed(identity, auth.WatchOperation, environment)
	}
	if err != nil {
		out.Refuse(err.Error())
		return false
	}
	return out.Heartbeat() == nil
}

func open(c huma.Context) (*stream.Writer, bool) {
	r, w := humago.Unwrap(c)
	return stream.Open(w, r)
}

// look is a snapshot of an operation, nil if there is none worth showing.
func (s *Server) look(ctx context.Context, key stream.Key) *stream.Snapshot {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	details, err := s.details(ctx, key.Environment, key.Operation)
	if err != nil || details.Unanswered != "" && details.Ended == nil {
		return nil
	}
	return newSnapshot(details)
}

func newSnapshot(details *OperationDetails) *stream.Snapshot {
	data, err := json.Marshal(details)
	if err != nil {
		data, _ = json.Marshal(OperationDetails{Operation: details.Operation, Unanswered: err.Error()})
	}
	if details.Ended == nil {
		return stream.NewSnapshot(data, nil)
	}
	return stream.NewSnapshot(data, &stream.Ended{Outcome: details.Outcome, Error: details.Error})
}
