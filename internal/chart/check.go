package chart

import (
	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/action"
	helm "helm.sh/helm/v3/pkg/chart"

	"lockstep/config"
)

// check makes sure that the chart is the one asked for and can be installed.
func check(loaded *helm.Chart, want config.Chart) error {
	got := loaded.Metadata.Version
	if want.Path != "" && want.Version != "" && !sameVersion(got, want.Version) {
		return failed(VersionNotFound, "set chart.version to it, or leave it out", "chart %s at %q has version %s, not %s", loaded.Name(), want.Path, got, want.Version)
	}
	if err := action.CheckDependencies(loaded, loaded.Metadata.Dependencies); err != nil {
		return failed(Invalid, "run helm dependency build on it", "chart %s: %s", loaded.Name(), oneLine(err))
	}
	if loaded.Metadata.Type == "library" {
		return failed(Invalid, "name a chart that can be installed", "chart %s is a library chart", loaded.Name())
	}
	return nil
}

// sameVersion takes "v1.7.0" and "1.7.0" for the same.
func sameVersion(a, b string) bool {
	left, err := semver.NewVersion(a)
	right, err2 := semver.NewVersion(b)
	return a == b || err == nil && err2 == nil && left.Equal(right) && left.Metadata() == right.Metadata()
}
