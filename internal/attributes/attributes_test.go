package attributes

import (
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
)

func TestAnAttributeOfAnotherTypeIsRefused(t *testing.T) {
	_, err := absent(map[string]enumspb.IndexedValueType{"Phase": enumspb.INDEXED_VALUE_TYPE_TEXT}, []string{"Phase", "Outcome"})
	if err == nil || !strings.Contains(err.Error(), "Phase has type Text instead of Keyword") || !strings.Contains(err.Error(), "TEMPORAL_NAMESPACE") {
		t.Errorf("got %v", err)
	}
}
