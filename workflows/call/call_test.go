package call

import "testing"

func TestAnActivityIDLeadsToItsStep(t *testing.T) {
	c := &Numbers{Step: "identity-server"}
	first, second := c.next(), c.next()
	if first == second {
		t.Errorf("two activities are called %q", first)
	}
	for _, id := range []string{first, second, "identity-server"} {
		if got := StepOf(id); got != "identity-server" {
			t.Errorf("StepOf(%q) = %q", id, got)
		}
	}
}
