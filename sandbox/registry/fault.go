package registry

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
)

// Fault makes requests fail. The faults file is a JSON list of them, read at each request, so that a test can add and
// remove faults while the registry runs.
type Fault struct {
	// Method is the request's, empty for all.
	Method string `json:"method,omitempty"`
	// Path is a part of the request's path.
	Path string `json:"path"`
	// Status is the answer.
	Status int `json:"status"`
	// Times is how many requests fail; 0 for as long as the fault is in the file.
	Times int `json:"times,omitempty"`
}

func (f Fault) matches(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) && strings.Contains(r.URL.Path, f.Path)
}

func faulty(file string, next http.Handler) http.Handler {
	var mu sync.Mutex
	spent := map[Fault]int{}
	spend := func(f Fault) bool {
		mu.Lock()
		defer mu.Unlock()
		spent[f]++
		return f.Times == 0 || spent[f] <= f.Times
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, f := range readFaults(file) {
			if f.matches(r) && spend(f) {
				http.Error(w, `{"errors":[{"code":"UNKNOWN","message":"fault of the sandbox"}]}`, f.Status)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// readFaults takes a missing or half-written file for no faults.
func readFaults(file string) []Fault {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var faults []Fault
	if err := json.Unmarshal(data, &faults); err != nil {
		return nil
	}
	return faults
}
