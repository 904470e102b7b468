package release

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/failure"
)

func TestWhatTheServerRefusesForGoodIsNotRetried(t *testing.T) {
	webhook := &apierrors.StatusError{ErrStatus: metav1.Status{Code: 403, Message: `admission webhook "policy.example.com" denied the request: no limits`}}
	for name, c := range map[string]struct {
		err   error
		parts []string
	}{
		"a value of another type": {errors.New(`Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field`), []string{"correct the values"}},
		"a bad request":           {apierrors.NewBadRequest("no"), []string{"correct the values"}},
		"a webhook":               {webhook, []string{"policy.example.com", "no limits", "owner of the webhook"}},
		"a policy": {errors.New(`failed to create resource: deployments.apps "web" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`),
			[]string{"ask its owner"}},
		"a quota": {errors.New(`failed to create resource: services "web" is forbidden: exceeded quota: small, requested: services=1`), []string{"ResourceQuota"}},
		"a webhook, as Helm's text": {errors.New(`1 error occurred: * admission webhook "w" denied the request: Deployment.apps "web" is invalid: x`),
			[]string{"owner of the webhook"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := explained("applying release web", c.err)
			checkFailure(t, err, Rejected, c.parts...)
			if failure.IsRetryable(err) {
				t.Error("it is retried")
			}
		})
	}
}

func checkFailure(t *testing.T, err error, reason string, parts ...string) {
	t.Helper()
	e, found := failure.As(err)
	if !found || e.Reason != reason {
		t.Fatalf("got %v, want a failure for the reason %s", err, reason)
	}
	if e.Kind == "" || e.Next == "" {
		t.Errorf("%q has kind %q and next move %q", err, e.Kind, e.Next)
	}
	for _, part := range append(parts, e.Next) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}
