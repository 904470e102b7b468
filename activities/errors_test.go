package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"lockstep/internal/diagnosis"
	failures "lockstep/internal/failure"
	"lockstep/internal/rest"
	"lockstep/internal/verify"
)

func TestEveryErrorHasAStableTypeAndSaysWhetherAnotherAttemptHelps(t *testing.T) {
	server := func(retryable bool, kind failures.Kind) error {
		return &failures.Error{Kind: kind, Doing: "reading Secret apim/x", Cause: errors.New("no"), Next: "look", Retryable: retryable}
	}
	product := func(status int, code string) error {
		return fmt.Errorf("listing: %w", &rest.Error{Product: "API Manager", Method: "GET", Path: "/x", Status: status, Code: code})
	}
	for name, test := range map[string]struct {
		classify func(error) error
		err      error
		kind     string
		final    bool
	}{
		"an API server that is not reached":     {classifyCluster, server(true, failures.Unavailable), TypeUnavailable, false},
		"an expired login":                      {classifyCluster, server(false, failures.Unauthorized), TypeUnauthorized, true},
		"a missing object":                      {classifyCluster, server(false, failures.NotFound), TypeNotFound, true},
		"a foreign object":                      {classifyCluster, server(false, failures.Conflict), TypeConflict, true},
		"a kubeconfig that cannot be read":      {classifyCluster, server(false, failures.InvalidConfig), TypeInvalidConfig, true},
		"what nobody knows":                     {classifyCluster, errors.New("odd"), TypeUnavailable, false},
		"a pod that crashes":                    {classifyWait, (&diagnosis.Problem{Reason: "CrashLoopBackOff"}).Failure(), TypeNotReady, true},
		"a pod that may yet be ready":           {classifyWait, (&diagnosis.Problem{Reason: "NotYet", Retryable: true}).Failure(), TypeUnavailable, false},
		"the end of a wait's time":              {classifyWait, diagnosis.Deadline("Deployment apim/x", "", "", diagnosis.Fields{}).Failure(), TypeNotReady, true},
		"an API server that goes during a wait": {classifyWait, server(true, failures.Unavailable), TypeUnavailable, false},
		"a failure that another attempt mends":  {classifyRelease, failures.Transient(failures.Unavailable, "no"), TypeUnavailable, false},
		"a failure that no other attempt mends": {classifyRelease, fmt.Errorf("applying: %w", failures.Final(failures.NotFound, "no")), TypeNotFound, true},
		"a release on an unreachable cluster":   {classifyRelease, server(true, failures.Unavailable), TypeUnavailable, false},
		"a refused password":                    {classifyProduct, product(401, ""), TypeUnauthorized, true},
		"a missing role":                        {classifyProduct, product(403, "900908"), TypeUnauthorized, true},
		"a key manager of that name":            {classifyProduct, product(409, "901405"), TypeConflict, true},
		"a web application that is not up":      {classifyProduct, product(404, ""), TypeUnavailable, false},
		"a key manager that is gone":            {classifyProduct, product(404, "901411"), TypeRefused, true},
		"a product that is busy":                {classifyProduct, product(429, ""), TypeUnavailable, false},
		"a product that is starting":            {classifyProduct, product(500, ""), TypeUnavailable, false},
		"a request that is refused":             {classifyProduct, product(400, "900300"), TypeRefused, true},
		"a link of the arc that does not hold":  {classifyProduct, fmt.Errorf("verifying: %w", &verify.Broken{}), TypeRefused, true},
		"a product that is not reached":         {classifyProduct, errors.New("EOF"), TypeUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.classify(test.err)
			var app *temporal.ApplicationError
			if !errors.As(err, &app) {
				t.Fatalf("%T is no application error: %v", err, err)
			}
			if app.Type() != test.kind || app.NonRetryable() != test.final {
				t.Errorf("type %s, final %v; want %s, %v", app.Type(), app.NonRetryable(), test.kind, test.final)
			}
			if !strings.Contains(app.Message(), strings.TrimSpace(test.err.Error())) {
				t.Errorf("%q does not say %q", app.Message(), test.err)
			}
			if again := test.classify(err); again != err {
				t.Errorf("classified twice: %v", again)
			}
		})
	}
}

func TestNothingAndACancellationStayWhatTheyAre(t *testing.T) {
	for name, classify := range map[string]func(error) error{} {
		if err := classify(nil); err != nil {
			t.Errorf("%s: nothing becomes %v", name, err)
		}
		cancelled := fmt.Errorf("waiting: %w", context.Canceled)
		if err := classify(cancelled); err != cancelled {
			t.Errorf("%s: a cancellation becomes %v", name, err)
		}
	}
}

func TestARefusedLoginSaysWhereThePasswordComesFrom(t *testing.T) {
	login := classifyProduct(&rest.Error{Status: 401, Path: "/client-registration/v0.17/register"})
	if !strings.Contains(login.Error(), "credentials Secret") {
		t.Error(login)
	}
	other := classifyProduct(&rest.Error{Status: 403, Path: "/api/am/admin/v4/key-managers"})
	if strings.Contains(other.Error(), "credentials Secret") || !strings.Contains(other.Error(), "admin role") {
		t.Error(other)
	}
}

func TestTheFieldComesBeforeAnErrorThatKeepsItsType(t *testing.T) {
	for _, err := range []error{failure(TypeNotFound, "no such chart"), passing(TypeUnavailable, "down")} {
		var before, after *temporal.ApplicationError
		if !errors.As(err, &before) || !errors.As(prefix("apiManager.chart", err), &after) {
			t.Fatal(err)
		}
		if after.Message() != "apiManager.chart: "+before.Message() || after.Type() != before.Type() || after.NonRetryable() != before.NonRetryable() {
			t.Errorf("%+v becomes %+v", before, after)
		}
	}
	if err := prefix("x", nil); err != nil {
		t.Error(err)
	}
}
