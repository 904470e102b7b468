package admission

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"lockstep/internal/failure"
)

const (
	// briefly is the length, in bytes, from which an answer of the API server is shortened: it quotes whole objects before its reason.
	briefly = 600
	// mostCauses is how many reasons of one refusal are told.
	mostCauses = 5
)

// Brief is an error that leads with the reason where the API server quotes an object of thousands of characters before it. A short one passes as
// it is.
func Brief(err error) error {
	if err == nil || len(err.Error()) <= briefly {
		return err
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil && len(status.Status().Details.Causes) > 0 {
		details := status.Status().Details
		var reasons []string
		for _, cause := range details.Causes {
			reasons = append(reasons, strings.TrimPrefix(cause.Field+": ", ": ")+ends(cause.Message))
		}
		if more := len(reasons) - mostCauses; more > 0 {
			reasons = append(reasons[:mostCauses], fmt.Sprintf("and %d more", more))
		}
		return failure.Reworded(fmt.Sprintf("%s %q: %s", details.Kind, details.Name, strings.Join(reasons, "; ")), err)
	}
	return failure.Reworded(ends(err.Error()), err)
}

// ends are the last words of a text, which have the reason, and then the first, which say what it is about.
func ends(text string) string {
	const first, last = 120, 280
	if len(text) <= first+last {
		return text
	}
	return fmt.Sprintf("… %s (the text begins with: %s …)", strings.TrimSpace(strings.ToValidUTF8(text[len(text)-last:], "")),
		strings.TrimSpace(strings.ToValidUTF8(text[:first], "")))
}
