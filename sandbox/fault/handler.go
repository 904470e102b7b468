package fault

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"

	"sigs.k8s.io/yaml"
)

// Handler puts the faults of file that are for server before next. The file is read at each request; one that is missing or no
// list of faults holds none.
func Handler(file, server string, next http.Handler) http.Handler {
	return &handler{file: file, server: server, next: next, seen: map[Fault]int{}}
}

type handler struct {
	file, server string
	next         http.Handler

	mu   sync.Mutex
	seen map[Fault]int
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, due := h.due(r)
	if !due {
		h.next.ServeHTTP(w, r)
		return
	}
	if f.Cut == CutAnswer {
		h.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	h.note(f)
	if !f.wait(r) || f.Cut == CutStart || f.Cut == CutAnswer {
		panic(http.ErrAbortHandler) // net/http's way to cut a connection
	}
	switch {
	case f.Cut == CutBody:
		h.half(w, r)
		panic(http.ErrAbortHandler)
	case f.Status == 0:
		h.next.ServeHTTP(w, r)
	default:
		f.refuse(w)
	}
}

func (h *handler) due(r *http.Request) (Fault, bool) {
	text, err := os.ReadFile(h.file)
	if err != nil {
		return Fault{}, false
	}
	var faults []Fault
	if err := yaml.Unmarshal(text, &faults); err != nil {
		return Fault{}, false
	}
	for _, f := range faults {
		if f.matches(h.server, r) && h.spend(f) {
			return f, true
		}
	}
	return Fault{}, false
}

// spend counts a request that matches and says whether it is one of those that fail.
func (h *handler) spend(f Fault) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[f]++
	n := h.seen[f] - f.Skip
	return n > 0 && (f.Times == 0 || n <= f.Times)
}

func (h *handler) note(f Fault) {
	hits, err := os.OpenFile(hitsFile(h.file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return // nobody can be told
	}
	defer hits.Close()
	fmt.Fprintln(hits, f.ID)
}

// half serves a request and lets the answer's header and half of its body out.
func (h *handler) half(w http.ResponseWriter, r *http.Request) {
	whole := httptest.NewRecorder()
	h.next.ServeHTTP(whole, r)
	body := whole.Body.Bytes()
	for name, values := range whole.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
}

func (f Fault) refuse(w http.ResponseWriter) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	const both = `{"code":%d,"message":"injected fault","errors":[{"code":"UNKNOWN","message":"injected fault"}]}` // as products and as registries say it
	fmt.Fprintf(w, both, f.Status)
}
