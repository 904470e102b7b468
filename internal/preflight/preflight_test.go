package preflight

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

func quickstart() config.Environment {
	env := configtest.Quickstart()
	env.Routing.Chart.Version = "v1.9.0"
	return env
}

func TestAClusterIsHeldAgainstTheRangeOfTheGatewayChart(t *testing.T) {
	day := time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		version cluster.Version
		refused bool
		warned  bool
	}{
		{cluster.Version{Major: 1, Minor: 32}, true, false},
		{cluster.Version{Major: 1, Minor: 33}, false, false},
		{cluster.Version{Major: 1, Minor: 35}, false, false},
		{cluster.Version{Major: 1, Minor: 37}, false, true},
	} {
		var found Found
		err := checkVersion(test.version, quickstart(), &found, day)
		if (err != nil) != test.refused || (len(found.Warnings) > 0) != test.warned {
			t.Errorf("%s: %v, warnings %v", test.version, err, found.Warnings)
		}
		if err != nil && !strings.Contains(err.Error(), "upgrade the cluster") {
			t.Errorf("no next move in %v", err)
		}
	}
	ended, found := quickstart(), Found{}
	ended.Routing.Chart.Version = "v1.7.0"
	if err := checkVersion(cluster.Version{Major: 1, Minor: 34}, ended, &found, day); err != nil || len(found.Warnings) != 1 ||
		!strings.Contains(found.Warnings[0], "2026-08-05") || !strings.Contains(found.Warnings[0], "gateway.chart.version to v1.9.0") {
		t.Errorf("of a release past its end of life: %v, %v", found.Warnings, err)
	}
	ended.Routing.Chart.Version, found = "v1.6.0", Found{}
	if err := checkVersion(cluster.Version{Major: 1, Minor: 31}, ended, &found, day); err != nil || len(found.Warnings) != 1 ||
		!strings.Contains(found.Warnings[0], "upgrade the cluster") {
		t.Errorf("of a release past its end of life on a cluster for which there is no other: %v, %v", found.Warnings, err)
	}
	own := quickstart()
	own.Routing.Install = new(bool)
	if err := checkVersion(cluster.Version{Major: 1, Minor: 20}, own, &Found{}, day); err != nil {
		t.Errorf("a gateway of one's own fits every cluster: %v", err)
	}
}

func TestAllProblemsAreReportedAndOneThatIsFinalMakesThemFinal(t *testing.T) {
	run := func(errs ...error) error {
		var checks []check
		for _, err := range errs {
			checks = append(checks, func(context.Context) error { return err })
		}
		return all(t.Context(), checks)
	}
	down := failure.Transient(failure.Unavailable, "the registry is down")
	if err := run(nil, nil); err != nil {
		t.Error(err)
	}
	err := run(down, nil, failure.Final(failure.NotFound, "no such chart"))
	if !failure.Is(err, failure.NotFound) || failure.IsRetryable(err) || err.Error() != "the registry is down\nno such chart" {
		t.Errorf("%+v", err)
	}
	if err := run(down, down); !failure.IsRetryable(err) {
		t.Errorf("%+v is not worth another attempt", err)
	}
	if err := run(down, context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancellation becomes %v", err)
	}
}
