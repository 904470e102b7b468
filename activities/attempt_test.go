package activities

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/internal/attempt"
)

func TestOnlyTheWaitsAreHandedOverAtOnce(t *testing.T) {
	var waits []string
	for method := range reflect.TypeFor[*Activities]().Methods() {
		if attempt.OnlyWaits(method.Name) {
			waits = append(waits, method.Name)
		}
	}
	if diff := cmp.Diff([]string{"WaitGateway", "WaitRoutes", "WaitWorkload"}, waits); diff != "" {
		t.Errorf("is it true that these change nothing? (-want +got):\n%s", diff)
	}
}
