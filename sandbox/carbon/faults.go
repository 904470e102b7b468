package carbon

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/yaml"
)

// A Fault is what a faults file says for one program:
//
//	wso2am: {status: 503, path: /api/am/admin, times: 3}
//
// The first Times requests (all, if 0) whose path starts with Path and whose method is Method (any, if "") get Status
// instead of an answer; with status 0 their connection is cut.
type Fault struct {
	Status int    `json:"status"`
	Path   string `json:"path"`
	Method string `json:"method"`
	Times  int    `json:"times"`
	Delay  string `json:"delay"` // before whatever happens, as 2s; with it alone the request is served late
}

// Faults injects what the faults file says at the moment of each request. No file, no faults.
type Faults struct {
	file, program string

	mu   sync.Mutex
	hits map[Fault]int
}

// Wrap puts the faults before a handler.
func (f *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, ok := f.due(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if delay, err := time.ParseDuration(fault.Delay); err == nil {
			select {
			case <-time.After(delay):
			case <-r.Context().Done():
			}
			if fault.Status == 0 {
				next.ServeHTTP(w, r)
				return
			}
		}
		if fault.Status == 0 {
			panic(http.ErrAbortHandler)
		}
		JSON(w, fault.Status, map[string]any{"code": fault.Status, "message": "injected fault", "description": "(simulated)"})
	})
}

func (f *Faults) due(r *http.Request) (Fault, bool) {
	if f.file == "" {
		return Fault{}, false
	}
	data, err := os.ReadFile(f.file)
	if err != nil {
		return Fault{}, false
	}
	byProgram := map[string]Fault{}
	if err := yaml.Unmarshal(data, &byProgram); err != nil {
		return Fault{}, false
	}
	fault, ok := byProgram[f.program]
	if !ok || !strings.HasPrefix(r.URL.Path, fault.Path) || (fault.Method != "" && fault.Method != r.Method) {
		return Fault{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if fault.Times > 0 && f.hits[fault] >= fault.Times {
		return Fault{}, false
	}
	if f.hits == nil {
		f.hits = map[Fault]int{}
	}
	f.hits[fault]++
	return fault, true
}
