package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lockstep/starter/api/auth"
)

// writePatience is how long a client may take to accept an event. One that is slower is left: it may come back and resume.
const writePatience = 10 * time.Second

type eventsInput struct {
	OperationPath
	LastEventID string `header:"Last-Event-ID" maxLength:"64" doc:"Id of the last event that was seen: the stream goes on from there, on whichever server"`
}

func (s *Server) eventRoutes(api huma.API) {
	handle(s, api, route{method: http.MethodGet, path: "/v1/environments/{environment}/operations/{operation}/events", id: "watch-operation", tag: "operations",
		refusals: []int{404}, also: []int{http.StatusNoContent}, patience: -1,
		summary: "Watch an operation",
		text: "Server-sent events. `board` holds the whole operation, as reading it does, and comes whenever that changes; its id is a digest of it, so every server knows where a client " +
			"left off. Boards between two that are sent may be left out, the last never is. `end` follows it and closes the stream; who asks again with the id of `end` gets 204, which ends " +
			"the retries of browsers. `reconnect` says that this server stops: ask again. `refused` says that you may watch no longer. A comment comes every 15 seconds.",
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
	key := feedKey{in.Environment, in.Operation}
	identity, _ := auth.FromContext(ctx)
	caller := identity.Via + "/" + identity.Name + "/" + identity.Subject
	f, err := s.feeds.join(key, caller)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer s.feeds.leave(f, caller)
		if out, ok := open(c); ok {
			s.stream(ctx, out, f, in.LastEventID)
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
		if in.LastEventID == last.endID() {
			c.SetStatus(http.StatusNoContent)
			return
		}
		if out, ok := open(c); ok {
			_ = out.show(last, in.LastEventID)
		}
	}}, nil
}

// stream sends what changes until the operation, the client or this server ends.
func (s *Server) stream(ctx context.Context, out *events, f *feed, sent string) {
	heartbeat := time.NewTicker(s.Heartbeat)
	defer heartbeat.Stop()
	for {
		newest, changed := f.now()
		if newest != nil {
			if err := out.show(newest, sent); err != nil || newest.ended() {
				return
			}
			sent = newest.id
		}
		select {
		case <-changed:
		case <-heartbeat.C:
			if !s.still(ctx, out, f.key.environment) {
				return
			}
		case <-s.stopping:
			_ = out.send(reconnect)
			return
		case <-ctx.Done():
			return
		}
	}
}

// reconnect tells a client to ask another server, and not all of them at once would be up to them: a second from now.
const reconnect = "event: reconnect\nretry: 1000\ndata: {\"reason\":\"this server stops: ask again, with Last-Event-ID\"}\n\n"

// still says whether the client is there and may go on watching.
func (s *Server) still(ctx context.Context, out *events, environment string) bool {
	identity, err := s.Guard.Recheck(ctx)
	if err == nil {
		err = auth.Allowed(identity, auth.WatchOperation, environment)
	}
	if err != nil {
		_ = out.send(event("refused", "", map[string]string{"reason": err.Error()}))
		return false
	}
	return out.send(": still there\n\n") == nil
}

// events is a stream to one client.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// open begins a stream. There is none for who asks for the headers only.
func open(c huma.Context) (*events, bool) {
	r, w := humago.Unwrap(c)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	out := &events{w, http.NewResponseController(w)}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil, false
	}
	return out, out.send(": events follow\n\n") == nil
}

// show sends a snapshot, unless it is what the client has seen, and the end after the last.
func (out *events) show(next *snapshot, seen string) error {
	text := ""
	if seen != next.id && seen != next.endID() {
		text = next.board
	}
	if text += next.end; text == "" {
		return nil
	}
	return out.send(text)
}

func (out *events) send(text string) error {
	if err := out.control.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return fmt.Errorf("bounding the time to write: %w", err)
	}
	if _, err := out.w.Write([]byte(text)); err != nil {
		return err
	}
	return out.control.Flush()
}
