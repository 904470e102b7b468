package program

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALogLineIsWrittenOnceItHasEnded(t *testing.T) {
	var out closer
	log := &Log{out: &out, now: func() time.Time { return time.Unix(0, 5) }}
	for _, part := range []string{"one\ntw", "o\n", "\nthree"} {
		if _, err := io.WriteString(log, part); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	const at = "1970-01-01T00:00:00.000000005Z stdout F "
	want := at + "one\n" + at + "two\n" + at + "\n" + at + "three\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

type closer struct{ strings.Builder }

func (*closer) Close() error { return nil }
