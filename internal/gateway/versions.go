package gateway

import (
	"fmt"
	"strings"
	"time"

	"lockstep/internal/cluster"
)

// Release is a minor release of Envoy Gateway, as its compatibility matrix has it (gateway.envoyproxy.io/news/releases/matrix).
type Release struct {
	Version           string // of the chart that a new controller gets
	Lowest, Highest   string // Kubernetes versions, both included, as "1.32"
	GatewayAPI, Envoy string // of its CRDs and its data plane. Empty: Lockstep does not support it, and only knows it where it is installed
	// EndOfLife is the last day on which it is supported, as 2006-01-02. Empty: it was over before the others.
	EndOfLife string
}

// Releases are those that are known, the newest first. A new release is a new row.
func Releases() []Release {
	return []Release{
		{Version: "v1.9.0", Lowest: "1.33", Highest: "1.36", GatewayAPI: "v1.6.1", Envoy: "1.39", EndOfLife: "2027-02-14"},
		{Version: "v1.8.0", Lowest: "1.32", Highest: "1.35", GatewayAPI: "v1.5.1", Envoy: "1.38", EndOfLife: "2026-11-08"},
		{Version: "v1.7.0", Lowest: "1.32", Highest: "1.35", GatewayAPI: "v1.4.1", Envoy: "1.37", EndOfLife: "2026-08-05"},
		{Version: "v1.6.0", Lowest: "1.30", Highest: "1.33"},
		{Version: "v1.5.0", Lowest: "1.30", Highest: "1.33"},
		{Version: "v1.4.0", Lowest: "1.30", Highest: "1.33"},
	}
}

// ReleaseOf is that of a version of the gateway chart; known is false for one that is not in the table.
func ReleaseOf(chartVersion string) (_ Release, known bool) {
	for _, release := range Releases() {
		if minor(release.Version) == minor(chartVersion) {
			return release, true
		}
	}
	return Release{}, false
}

// Newest is the newest that Lockstep supports and that supports a cluster's Kubernetes version, or the newest of all if none does, or the
// version is not known.
func Newest(kubernetes cluster.Version) Release {
	for _, release := range Releases() {
		if release.GatewayAPI == "" || release.tooOld(kubernetes) || release.tooNew(kubernetes) {
			continue
		}
		return release
	}
	return Releases()[0]
}

// Fits refuses a Kubernetes version that is older than the release supports, and warns of one that is newer.
func (r Release) Fits(kubernetes cluster.Version) (warning string, fits bool) {
	if r.tooNew(kubernetes) {
		return fmt.Sprintf("is newer than Envoy Gateway %s was tested with (v%s to v%s)", r.minor(), r.Lowest, r.Highest), true
	}
	return "", !r.tooOld(kubernetes)
}

// Over says since when the release is not supported any more, empty as long as it is.
func (r Release) Over(now time.Time) string {
	end, err := time.Parse(time.DateOnly, r.EndOfLife)
	switch {
	case r.EndOfLife == "" || err != nil:
		return fmt.Sprintf("Envoy Gateway %s is past its end of life", r.minor())
	case now.After(end.AddDate(0, 0, 1)):
		return fmt.Sprintf("Envoy Gateway %s is past its end of life, %s", r.minor(), r.EndOfLife)
	}
	return ""
}

func (r Release) minor() string { return "v" + minor(r.Version) }
func (r Release) tooOld(kubernetes cluster.Version) bool {
	return number(kubernetes.String()) < number(r.Lowest)
}
func (r Release) tooNew(kubernetes cluster.Version) bool {
	return number(kubernetes.String()) > number(r.Highest)
}

// minor is the first two numbers of a version, without v.
func minor(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}

// number makes versions comparable.
func number(version string) int {
	var major, minor int
	_, _ = fmt.Sscanf(strings.TrimPrefix(version, "v"), "%d.%d", &major, &minor)
	return major*1000 + minor
}
