// Package fault makes the servers of a sandbox fail on demand: a file says which requests, and how. Tests write the file and
// change it while the servers run.
package fault

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Servers that faults are for. A simulated product goes by its program's name.
const (
	Registry     = "registry"     // of images and OCI charts
	Repositories = "repositories" // of charts and of artifacts
	APIManager   = "wso2am"
	Identity     = "wso2is"
)

// A Fault is one element of the faults file's list, as
//
//   - {server: wso2am, method: POST, path: /key-managers, status: 503, times: 2}
//
// Of those that match a request and are not spent, the first happens.
type Fault struct {
	// ID tells a fault from an equal one of earlier, which may be spent. Hits are noted under it.
	ID string `json:"id,omitempty"`
	// Server is one of those above.
	Server string `json:"server"`
	// Method is the request's, empty for all.
	Method string `json:"method,omitempty"`
	// Path is a part of the request's path.
	Path string `json:"path,omitempty"`
	// Skip is how many requests are served before the first fails.
	Skip int `json:"skip,omitempty"`
	// Times is how many requests fail; 0 for as long as the fault is in the file.
	Times int `json:"times,omitempty"`

	// Delay comes before whatever happens, as 2s. With it alone the request is served late.
	Delay string `json:"delay,omitempty"`
	// Status is answered in place of what the server would.
	Status int `json:"status,omitempty"`
	// RetryAfter is the header of that name, in seconds; 0 for none.
	RetryAfter int `json:"retryAfter,omitempty"`
	// Cut ends the connection.
	Cut Cut `json:"cut,omitempty"`
}

// Cut is where a connection ends.
type Cut string

// Cuts.
const (
	CutStart  Cut = "start"  // nothing was done
	CutAnswer Cut = "answer" // all was done, and nothing of the answer goes out, at once or after the delay
	CutBody   Cut = "body"   // all was done, and half of the answer's body goes out
)

// File is where the servers of the sandbox in dir look for faults.
func File(dir string) string { return filepath.Join(dir, "faults.yaml") }

// Write replaces the faults of a file, at once, so that no server sees half of them.
func Write(file string, faults ...Fault) error {
	text, err := yaml.Marshal(faults)
	if err != nil {
		return fmt.Errorf("encoding faults: %w", err)
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return fmt.Errorf("writing faults: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("writing faults: %w", err)
	}
	return nil
}

// Hits counts how often each fault of a file has happened, by its id. A cut of the answer counts once the request is served, the
// others when their request has come.
func Hits(file string) (map[string]int, error) {
	text, err := os.ReadFile(hitsFile(file))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("reading hits of faults: %w", err)
	}
	hits := map[string]int{}
	for id := range strings.Lines(string(text)) {
		hits[strings.TrimSpace(id)]++
	}
	return hits, nil
}

func hitsFile(file string) string { return file + ".hits" }

func (f Fault) matches(server string, r *http.Request) bool {
	return f.Server == server && (f.Method == "" || f.Method == r.Method) && strings.Contains(r.URL.Path, f.Path)
}

// wait is false if whoever asked has gone.
func (f Fault) wait(r *http.Request) bool {
	delay, err := time.ParseDuration(f.Delay)
	if err != nil {
		return true
	}
	select {
	case <-time.After(delay):
		return true
	case <-r.Context().Done():
		return false
	}
}
