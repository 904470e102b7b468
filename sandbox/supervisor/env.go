package supervisor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Env returns the settings that point a worker, a CLI and kubectl at the sandbox, as NAME=value.
func (s State) Env() []string {
	env := []string{"KUBECONFIG=" + s.Kubeconfig}
	if s.TemporalAddress != "" {
		env = append(env, "TEMPORAL_ADDRESS="+s.TemporalAddress, "LOCKSTEP_UI_URL="+s.UI)
	}
	var mirrors []string
	for _, host := range slices.Sorted(maps.Keys(s.Mirrors())) {
		mirrors = append(mirrors, host+"="+s.Mirrors()[host])
	}
	return append(env, "LOCKSTEP_MIRRORS="+strings.Join(mirrors, ","))
}

// Mirrors lead from the hosts of images, charts and artifacts to where the sandbox serves them.
func (s State) Mirrors() map[string]string {
	return map[string]string{
		"docker.io":              "http://" + s.Registry,
		"registry.lockstep.test": "http://" + s.Registry,
		"helm.wso2.com":          s.Repository + "/charts",
		"maven.wso2.org":         s.Repository,
	}
}

// Exports returns Env as lines for a shell's eval.
func (s State) Exports() string {
	var b strings.Builder
	for _, e := range s.Env() {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return b.String()
}
