package preflight

import (
	"fmt"
	"time"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
)

// checkVersion holds the cluster, and the day, against what the release of the gateway chart supports.
func checkVersion(version cluster.Version, env config.Environment, found *Found, now time.Time) error {
	chart := env.Routing.Chart.Version
	release, known := gateway.ReleaseOf(chart)
	if !env.Routing.Installs() || !known {
		return nil
	}
	warning, fits := release.Fits(version)
	if !fits {
		return failure.Final(failure.InvalidConfig, "Kubernetes %s is older than the gateway chart %s supports (v%s to v%s): upgrade the cluster, or set "+
			"gateway.install in the cluster's file to false and use a gateway that fits", version, chart, release.Lowest, release.Highest)
	}
	if warning != "" {
		found.Warnings = append(found.Warnings, fmt.Sprintf("Kubernetes %s %s", version, warning))
	}
	if over := release.Over(now); over != "" {
		found.Warnings = append(found.Warnings, over+". Next: "+upgrade(version, release))
	}
	return nil
}

func upgrade(version cluster.Version, from gateway.Release) string {
	to := gateway.Newest(version)
	if _, fits := to.Fits(version); !fits || to.Version == from.Version {
		return "upgrade the cluster to a Kubernetes version that a newer release supports"
	}
	return "set gateway.chart.version to " + to.Version
}
