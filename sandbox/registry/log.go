package registry

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// Request is one answered request.
type Request struct {
	Method string
	Status int
	Path   string
}

// logged writes one line per answered request: method, status, path.
func logged(w io.Writer, next http.Handler) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: rw, status: http.StatusOK}
		next.ServeHTTP(s, r)
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, r.Method, s.status, r.URL.EscapedPath())
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] through.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// ReadLog returns the requests in a log file, oldest first.
func ReadLog(path string) ([]Request, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening request log: %w", err)
	}
	defer f.Close()
	var requests []Request
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r Request
		if _, err := fmt.Sscan(lines.Text(), &r.Method, &r.Status, &r.Path); err == nil {
			requests = append(requests, r)
		}
	}
	return requests, nil
}
