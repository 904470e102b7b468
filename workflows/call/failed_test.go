package call

import (
	"errors"
	"fmt"
	"testing"

	"lockstep/internal/failure"
)

func TestTheKindOfAFailureOutlastsTemporal(t *testing.T) {
	for want, err := range map[failure.Kind]error{
		failure.Conflict: fmt.Errorf("activity error: %w", Failed(failure.Conflict, "somebody else made it")),
		"":               errors.New("strange"),
	} {
		if got := KindOf(err); got != want {
			t.Errorf("%v is of kind %q, want %q", err, got, want)
		}
	}
}
