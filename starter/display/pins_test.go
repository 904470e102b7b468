package display

import (
	"bytes"
	"strings"
	"testing"

	"lockstep/activities"
	found "lockstep/internal/pins"
)

func TestAReportPrintsPinsReadyToPasteAndNothingWhereAllIsPinned(t *testing.T) {
	var out bytes.Buffer
	report := activities.Report{Environment: "dev", Pins: found.Pins{Environment: "image:\n  base: a:1@sha256:0\n", Cluster: "gateway:\n  chart: {digest: sha256:1}\n"}}
	if err := Report(&out, report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"write into the environment file:\n\nimage:\n  base: a:1@sha256:0\n", "write into the cluster's file:\n\ngateway:\n  chart: {digest: sha256:1}\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\nlacks %q", out.String(), want)
		}
	}
	out.Reset()
	if err := Report(&out, activities.Report{Environment: "dev"}); err != nil || strings.Contains(out.String(), "To have later") {
		t.Errorf("%v: %s", err, out.String())
	}
}
