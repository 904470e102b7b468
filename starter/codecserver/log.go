package codecserver

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"lockstep/starter/api/auth"
)

type entryKey struct{}

// entry is what a request's line in the log says.
type entry struct{ who string }

// note remembers who asked.
func note(r *http.Request, who auth.Identity) {
	if e, ok := r.Context().Value(entryKey{}).(*entry); ok {
		e.who = who.String()
	}
}

// logged writes a line per request, except for probes.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, e, answer := time.Now(), new(entry), &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), entryKey{}, e)))
		level := slog.LevelInfo
		if answer.status >= http.StatusBadRequest {
			level = slog.LevelWarn
		} else if r.URL.Path == "/livez" {
			level = slog.LevelDebug
		}
		log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", answer.status, "who", e.who, "from", r.RemoteAddr,
			"origin", r.Header.Get("Origin"), "namespace", r.Header.Get("X-Namespace"), "took", time.Since(began).Round(time.Millisecond).String())
	})
}

type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
