package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lockstep/sandbox/process"
)

// Phase is where a sandbox is in its life.
type Phase string

// Phases of a sandbox.
const (
	Down     Phase = "down" // nothing runs
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Failed   Phase = "failed" // did not start, or lost a part for good; Error says why
	Stopping Phase = "stopping"
	Dead     Phase = "dead" // the supervisor has gone without taking the sandbox down
)

// State is what a supervisor says of its sandbox, in <dir>/state.json.
type State struct {
	Phase Phase  `json:"phase"`
	Error string `json:"error,omitempty"`
	Dir   string `json:"dir"`
	// Instance is the sandbox's number S: its pods are 10.S.x.y in Kubernetes and 127.S.x.y on the host.
	Instance int `json:"instance,omitempty"`

	Kubeconfig      string `json:"kubeconfig,omitempty"`
	APIServer       string `json:"apiServer,omitempty"`
	TemporalAddress string `json:"temporalAddress,omitempty"`
	UI              string `json:"ui,omitempty"`
	// Registry is host:port of the OCI registry, Repository the URL of the chart and Maven repositories.
	Registry   string `json:"registry,omitempty"`
	Repository string `json:"repository,omitempty"`

	// Gateway says what of the gateway is real, and why not all.
	Gateway string `json:"gateway,omitempty"`

	Supervisor process.ID   `json:"supervisor"`
	Processes  []process.ID `json:"processes,omitempty"`
	// Progress is what has been started so far, a line each.
	Progress []string `json:"progress,omitempty"`
}

func stateFile(dir string) string { return filepath.Join(dir, "state.json") }

// Status returns the state of the sandbox in dir; without one its phase is Down.
func Status(dir string) (State, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return State{}, fmt.Errorf("finding sandbox folder: %w", err)
	}
	s := State{Dir: abs}
	data, err := os.ReadFile(stateFile(abs))
	if errors.Is(err, fs.ErrNotExist) {
		s.Phase = Down
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("reading sandbox state: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("reading sandbox state %s: %w", stateFile(abs), err)
	}
	if s.Phase != Failed && s.Phase != Down && !s.Supervisor.Alive() {
		s.Phase = Dead
	}
	return s, nil
}
