package preflight

import (
	"fmt"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
)

// checkVersion holds the cluster against the range that the gateway chart supports.
func checkVersion(version cluster.Version, env config.Environment, found *Found) error {
	lowest, highest, known := gateway.SupportedKubernetes(env.Routing.Chart.Version)
	if !env.Routing.Installs() || !known {
		return nil
	}
	switch {
	case older(version, lowest):
		return failure.Final(failure.InvalidConfig, "Kubernetes %s is older than the gateway chart %s supports (v%s to v%s): upgrade the cluster, or set "+
			"routing.install to false and use a gateway that fits", version, env.Routing.Chart.Version, lowest, highest)
	case !older(version, highest) && version.String() != "v"+highest:
		found.Warnings = append(found.Warnings, fmt.Sprintf("Kubernetes %s is newer than the gateway chart %s was tested with (v%s to v%s)",
			version, env.Routing.Chart.Version, lowest, highest))
	}
	return nil
}

// older says whether version comes before other, as "1.32".
func older(version cluster.Version, other string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(other, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return version.Major < major || version.Major == major && version.Minor < minor
}
