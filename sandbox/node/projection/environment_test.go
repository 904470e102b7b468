package projection

import (
	"testing"
)

func TestVariablesExpandAsInAPodSpec(t *testing.T) {
	known := map[string]string{"HOST": "am.example.com", "EMPTY": ""}
	for text, want := range map[string]string{
		"https://$(HOST)/services": "https://am.example.com/services",
		"$(EMPTY)$(HOST)":          "am.example.com",
		"$(UNKNOWN)":               "$(UNKNOWN)",
		"$$(HOST)":                 "$(HOST)",
		"$$$(HOST)":                "$am.example.com",
		"$HOST ${HOST} $(HOST":     "$HOST ${HOST} $(HOST",
		"$":                        "$",
		"":                         "",
	} {
		if got := Expand(text, known); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
