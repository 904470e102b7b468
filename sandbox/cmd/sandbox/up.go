package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lockstep/sandbox/registry"
	"lockstep/sandbox/supervisor"
)

func up(dir *string) *cobra.Command {
	var s supervisor.Settings
	var bin, chartsIn string
	var check bool
	defaults, _ := supervisor.Defaults("", "")
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the sandbox, or find it running",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := addCharts(&s, chartsIn); err != nil {
				return err
			}
			settings, err := complete(s, *dir, bin)
			if err != nil {
				return err
			}
			if check {
				return supervisor.Check(settings)
			}
			state, err := supervisor.Up(cmd.Context(), settings, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			return show(cmd.OutOrStdout(), state)
		},
	}
	f := cmd.Flags()
	f.DurationVar(&s.ISBoot, "is-boot", defaults.ISBoot, "how long the simulated Identity Server takes to boot")
	f.DurationVar(&s.APIMBoot, "apim-boot", defaults.APIMBoot, "how long the simulated API Manager takes to boot")
	f.Float64Var(&s.ProbeScale, "probe-scale", defaults.ProbeScale, "divides the delays and periods of probes")
	f.StringToStringVar(&s.Charts, "charts", nil, "serve the chart folder or .tgz at `name=path` instead of the sandbox's own")
	f.StringVar(&s.Gateway, "gateway", defaults.Gateway, "auto, real or simulated: what stands for the gateway")
	f.BoolVar(&s.Attached, "attached", false, "take the sandbox down when standard input ends, as it does when a script or test that holds it is killed")
	f.StringVar(&chartsIn, "charts-in", "", "serve the charts in this folder instead of the sandbox's own: archives, folders, checkouts")
	f.BoolVar(&check, "check", false, "say what is missing, and start nothing")
	f.BoolVar(&s.RealNode, "real-node", false, "run containers in a real node: Linux, root, and the packages of docs/testing.md")
	f.BoolVar(&s.NoTemporal, "no-temporal", false, "leave the Temporal dev server out")
	f.StringVar(&bin, "bin", "", "folder of the programs that make tools builds (default: where this program is)")
	return cmd
}

// addCharts adds the charts that are in a folder, but not in place of those named one by one.
func addCharts(s *supervisor.Settings, dir string) error {
	if dir == "" {
		return nil
	}
	found, err := registry.Find(dir)
	if err != nil {
		return err
	}
	maps.Copy(found, s.Charts)
	s.Charts = found
	return nil
}

// complete makes every path absolute: the supervisor has another working directory.
func complete(s supervisor.Settings, dir, bin string) (supervisor.Settings, error) {
	self, err := os.Executable()
	if err != nil {
		return s, fmt.Errorf("finding the sandbox program: %w", err)
	}
	base, err := supervisor.Defaults(dir, self)
	if err != nil {
		return s, err
	}
	s.Dir, s.Self, s.Bin = base.Dir, base.Self, base.Bin
	if bin != "" {
		if s.Bin, err = filepath.Abs(bin); err != nil {
			return s, fmt.Errorf("finding --bin: %w", err)
		}
	}
	for name, path := range s.Charts {
		if s.Charts[name], err = filepath.Abs(path); err != nil {
			return s, fmt.Errorf("finding --charts %s: %w", name, err)
		}
	}
	if s.ProbeScale <= 0 {
		return s, fmt.Errorf("reading flags: --probe-scale is %v; give a number above 0", s.ProbeScale)
	}
	if !slices.Contains(supervisor.Gateways, s.Gateway) {
		return s, fmt.Errorf("reading flags: --gateway is %q; give one of %s", s.Gateway, strings.Join(supervisor.Gateways, ", "))
	}
	return s, nil
}
