package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"lockstep/starter/api/auth"
	"lockstep/starter/api/boundary"
	"lockstep/starter/api/problem"
)

// exchange is what is known of a request once it is answered.
type exchange struct {
	route string // "" if there is none
	who   string
}

type exchangeKey struct{}

// counted counts and logs each request, and answers where a handler panics.
func (s *Server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, e, answer := time.Now(), new(exchange), &recorder{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
		defer func() {
			if why := recover(); why != nil {
				s.panicked(answer, r, why)
			}
			took := time.Since(began)
			s.metrics.Answered(e.route, r.Method, answer.code(), took)
			s.logRequest(r, e, answer.code(), took)
		}()
		next.ServeHTTP(answer, r)
	})
}

func (s *Server) panicked(w *recorder, r *http.Request, why any) {
	if why == http.ErrAbortHandler {
		panic(why)
	}
	s.Log.Error("A request made the server panic; please report it", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(why), "stack", string(debug.Stack()))
	if w.status == 0 {
		problem.Write(w, r, problem.New(http.StatusInternalServerError, "internal", "the server made a mistake: try again, and ask its operator, whose log says more"))
	}
}

func (s *Server) logRequest(r *http.Request, e *exchange, status int, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case !strings.HasPrefix(r.URL.Path, "/v1"):
		level = slog.LevelDebug // probes
	}
	s.Log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", status, "who", e.who, "from", r.RemoteAddr,
		"took", took.Round(time.Millisecond).String())
}

// route hands a request to the handler of its route, or says which there are.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	e, _ := r.Context().Value(exchangeKey{}).(*exchange)
	if identity, known := auth.FromContext(r.Context()); known && e != nil {
		e.who = identity.String()
	}
	handler, pattern := s.mux.Handler(r)
	if pattern == "" {
		problem.Write(w, r, noRoute(w, handler, r))
		return
	}
	if e != nil {
		_, e.route, _ = strings.Cut(pattern, " ")
	}
	done, p := s.readBody(w, r, e)
	if p != nil {
		s.auditUnread(r.Context(), r, p)
		problem.Write(w, r, p)
		return
	}
	defer done()
	s.mux.ServeHTTP(w, r)
}

// readBody takes in the body, if the route has a use for one: what is for everybody has none, and nobody knows who sends it.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, e *exchange) (done func(), p *problem.Problem) {
	if !strings.HasPrefix(r.URL.Path, "/v1/") {
		return func() {}, nil
	}
	caller := ""
	if e != nil {
		caller = e.who
	}
	if done, p = s.bodies.Enter(r, caller); p != nil {
		return nil, p
	}
	if p = boundary.Read(w, r); p != nil {
		done()
		return nil, p
	}
	return done, nil
}

// noRoute asks the mux's own answer whether there is nothing at all, or nothing by that method.
func noRoute(w http.ResponseWriter, handler http.Handler, r *http.Request) *problem.Problem {
	asked := &discarded{header: http.Header{}}
	handler.ServeHTTP(asked, r)
	if allowed := asked.header.Get("Allow"); asked.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allowed)
		return problem.New(http.StatusMethodNotAllowed, "method-not-allowed", "this path does not accept %s: send one of %s", r.Method, allowed)
	}
	return problem.New(http.StatusNotFound, "not-found", "there is nothing at this path: /openapi.json lists all paths, /docs shows them")
}

// auditUnread records a change that was refused before anybody knew what it was to be.
func (s *Server) auditUnread(ctx context.Context, r *http.Request, why error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return
	}
	s.Guard.Record(ctx, auth.Change{Err: why})
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *recorder) Write(data []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(data)
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// discarded is an answer that nobody gets.
type discarded struct {
	header http.Header
	status int
}

// Header implements [http.ResponseWriter].
func (d *discarded) Header() http.Header { return d.header }

// Write implements [http.ResponseWriter].
func (d *discarded) Write(data []byte) (int, error) { return len(data), nil }

// WriteHeader implements [http.ResponseWriter].
func (d *discarded) WriteHeader(status int) { d.status = status }
