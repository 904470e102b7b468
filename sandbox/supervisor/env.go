package supervisor

import (
	"fmt"
	"strings"
)

// Env returns the settings that point a worker, a CLI and kubectl at the sandbox, as NAME=value.
func (s State) Env() []string {
	env := []string{"KUBECONFIG=" + s.Kubeconfig}
	if s.TemporalAddress != "" {
		env = append(env, "TEMPORAL_ADDRESS="+s.TemporalAddress, "LOCKSTEP_UI_URL="+s.UI)
	}
	return append(env, "LOCKSTEP_MIRRORS="+s.Mirrors())
}

// Mirrors returns the table that sends the hosts of images, charts and artifacts to the sandbox.
func (s State) Mirrors() string {
	return strings.Join([]string{
		"docker.io=http://" + s.Registry,
		"registry.lockstep.test=http://" + s.Registry,
		"helm.wso2.com=" + s.Repository + "/charts",
		"maven.wso2.org=" + s.Repository,
	}, ",")
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
