// Package supervisor starts a sandbox, keeps it running in one detached process, and takes it down again.
package supervisor

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lockstep/sandbox/process"
)

// Settings are what a sandbox is started with.
type Settings struct {
	// Dir holds everything of this sandbox: state, data, logs. Absolute.
	Dir string `json:"dir"`
	// Bin is the folder of the programs that tools/ builds. Absolute.
	Bin string `json:"bin"`
	// Self is the sandbox program itself; it serves and simulates.
	Self string `json:"self"`
	// ISBoot and APIMBoot are how long the simulated products take to boot.
	ISBoot   time.Duration `json:"isBoot"`
	APIMBoot time.Duration `json:"apimBoot"`
	// ProbeScale divides the delays and periods of pods' probes.
	ProbeScale float64 `json:"probeScale"`
	// Charts serves a chart folder or .tgz (value, absolute) in place of the sandbox's own chart (key).
	Charts map[string]string `json:"charts,omitempty"`
	// Gateway says what stands for the gateway, one of Gateways.
	Gateway string `json:"gateway,omitempty"`
	// RealNode runs containers in a real node instead of simulated programs; see package realnode.
	RealNode bool `json:"realNode,omitempty"`
	// Supervisor is the first process of a real node, as the machine names it: the supervisor itself sees other numbers.
	Supervisor process.ID `json:"supervisor,omitzero"`
	// NoTemporal leaves the Temporal dev server out.
	NoTemporal bool `json:"noTemporal,omitempty"`
	// Attached ends the sandbox when the standard input of the one that started it ends.
	Attached bool `json:"attached,omitempty"`
}

// Defaults returns the settings of a sandbox in dir whose programs lie beside self.
func Defaults(dir, self string) (Settings, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Settings{}, fmt.Errorf("finding sandbox folder: %w", err)
	}
	return Settings{
		Dir: abs, Bin: filepath.Dir(self), Self: self,
		ISBoot: 4 * time.Second, APIMBoot: 6 * time.Second, ProbeScale: 1, Gateway: GatewayAuto,
	}, nil
}

func settingsFile(dir string) string { return filepath.Join(dir, "settings.json") }

// LoadSettings reads what up left for the supervisor in dir.
func LoadSettings(dir string) (Settings, error) {
	var s Settings
	data, err := os.ReadFile(settingsFile(dir))
	if err != nil {
		return s, fmt.Errorf("reading sandbox settings: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("reading sandbox settings: %w", err)
	}
	return s, nil
}

func (s Settings) save() error {
	return writeJSON(settingsFile(s.Dir), s)
}

func (s Settings) log(name string) string { return filepath.Join(s.Dir, "logs", name+".log") }

// writeJSON replaces path at once, so that a reader never sees half of it.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(path), err)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	return nil
}
