package attempt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"lockstep/internal/failure"
	"lockstep/internal/fence"
	"lockstep/internal/redact"
)

// reported runs one activity on a worker, and returns what Temporal is told of it.
func reported[T any](t *testing.T, does func(context.Context) (T, error)) (result T, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&Failures{}}})
	env.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: "Act"})
	value, err := env.ExecuteActivity("Act")
	if err == nil {
		err = value.Get(&result)
	}
	return result, err
}

func TestEveryErrorOfAnActivityIsClassifiedOnce(t *testing.T) {
	gone := failure.Final(failure.NotFound, "Secret a/b does not exist")
	away := failure.Transient(failure.Unavailable, "the registry does not answer")
	wrong := failure.Final(failure.InvalidConfig, "no such chart")
	for name, test := range map[string]struct {
		err   error
		kind  failure.Kind
		final bool
		says  string
	}{
		"a final failure":            {gone, failure.NotFound, true, "Secret a/b does not exist"},
		"a transient failure":        {away, failure.Unavailable, false, "the registry does not answer"},
		"one with all its parts":     {&failure.Error{Kind: failure.Refused, Doing: "calling x", Cause: errors.New("no"), Next: "look"}, failure.Refused, true, "calling x: no. Next: look"},
		"a wrapped one":              {fmt.Errorf("checking: %w", gone), failure.NotFound, true, "checking: Secret a/b does not exist"},
		"several, all transient":     {errors.Join(away, away), failure.Unavailable, false, "the registry does not answer\nthe registry does not answer"},
		"several, one of them final": {errors.Join(away, wrong, gone), failure.InvalidConfig, true, "the registry does not answer\nno such chart\nSecret a/b does not exist"},
		"one beside what is none":    {errors.Join(errors.New("odd"), gone), failure.NotFound, true, "odd\nSecret a/b does not exist"},
		"one about a deadline":       {failure.Final(failure.NotReady, "waiting: %w", context.DeadlineExceeded), failure.NotReady, true, "waiting: context deadline exceeded"},
		"a plain error": {errors.New("odd"), failure.Internal, false,
			"activity Act: odd. Next: this is a fault in Lockstep: see the worker's log, and report it with this message"},
		"a wrapped plain error": {fmt.Errorf("making the CA: %w", errors.New("odd")), failure.Internal, false,
			"activity Act: making the CA: odd. Next: this is a fault in Lockstep: see the worker's log, and report it with this message"},
		"a deadline":                     {fmt.Errorf("asking: %w", context.DeadlineExceeded), failure.Unavailable, false, "asking: context deadline exceeded"},
		"a cancellation of its own":      {context.Canceled, failure.Internal, false, "activity Act: context canceled. Next: this is a fault in Lockstep: see the worker's log, and report it with this message"},
		"a request that lost the lease":  {fmt.Errorf("applying: %w", &fence.Lost{Reason: "the worker stood still"}), failure.Unavailable, false, "applying: the worker stood still: it was stopped and changes nothing more"},
		"an application error passes":    {temporal.NewNonRetryableApplicationError("no", "Conflict", nil), failure.Conflict, true, "no"},
		"one of those, with a cause":     {temporal.NewNonRetryableApplicationError("no", "Conflict", errors.New("why")), failure.Conflict, true, "no"},
		"a wrapped one keeps its reason": {fmt.Errorf("x: %w", temporal.NewApplicationError("no", "Conflict")), failure.Conflict, false, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reported(t, func(context.Context) (string, error) { return "", test.err })
			var app *temporal.ApplicationError
			if !errors.As(err, &app) {
				t.Fatalf("%T is no application error: %v", err, err)
			}
			if app.Type() != string(test.kind) || app.NonRetryable() != test.final || app.Message() != test.says {
				t.Errorf("got %s, final %v: %q\nwant %s, final %v: %q", app.Type(), app.NonRetryable(), app.Message(), test.kind, test.final, test.says)
			}
			if cause := errors.Unwrap(app); cause != nil {
				t.Errorf("it says a second time what caused it: %v", cause)
			}
		})
	}
}

func TestTheDelayOfAnApplicationErrorPasses(t *testing.T) {
	_, err := reported(t, func(ctx context.Context) (string, error) {
		redact.Add(ctx, "Hush-hush")
		return "", temporal.NewApplicationErrorWithOptions("no, Hush-hush", "Unavailable", temporal.ApplicationErrorOptions{NextRetryDelay: time.Minute})
	})
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.NextRetryDelay() != time.Minute || app.Message() != "no, …" {
		t.Errorf("got %v", err)
	}
}

func TestTheEndOfTheActivitysContextKeepsItsIdentity(t *testing.T) {
	ctx, cancel := context.WithCancel(redact.With(context.Background()))
	redact.Add(ctx, "Hush-hush")
	cancel()
	for name, err := range map[string]error{
		"as it is": context.Canceled, "wrapped": fmt.Errorf("waiting with Hush-hush: %w", context.Canceled),
		"in a failure":     failure.Transient(failure.Unavailable, "asking: %w", context.Canceled),
		"beside a failure": errors.Join(failure.Final(failure.NotFound, "gone"), context.Canceled),
	} {
		if told := Report(ctx, err); !errors.Is(told, context.Canceled) || strings.Contains(told.Error(), "Hush") {
			t.Errorf("%s: it became %v", name, told)
		}
	}
	for _, err := range []error{nil, temporal.NewCanceledError(), activity.ErrResultPending} {
		if told := Report(ctx, err); told != err {
			t.Errorf("%v became %v", err, told)
		}
	}
}

func TestAPanicIsAFaultOfLockstep(t *testing.T) {
	_, err := reported(t, func(ctx context.Context) (string, error) {
		redact.Add(ctx, "Hush-hush")
		panic("with Hush-hush in hand")
	})
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != string(failure.Internal) || !strings.HasPrefix(app.Message(), "activity Act: it panicked: with … in hand. Next:") {
		t.Errorf("got %v", err)
	}
}

func TestASecretThatAnActivityLearnsStaysOutOfWhatItSays(t *testing.T) {
	const secret = `p@ss "word"/&x`
	for name, err := range map[string]error{
		"in its text":          failure.Final(failure.Refused, "the password is %s", secret),
		"in its cause":         &failure.Error{Kind: failure.Refused, Doing: "logging in", Cause: fmt.Errorf("cause: %w", errors.New("with "+secret))},
		"in a plain error":     errors.New("with " + secret),
		"quoted":               failure.Final(failure.Refused, "the password is %q", secret),
		"in an address":        failure.Transient(failure.Unavailable, "Get %q: EOF", (&url.URL{Scheme: "https", User: url.UserPassword("admin", secret), Host: "x"}).String()),
		"in a query":           failure.Transient(failure.Unavailable, "Get https://x?password=%s: EOF", url.QueryEscape(secret)),
		"cut in the middle":    failure.Final(failure.Refused, "it says: the password is %s…", secret[:9]),
		"cut at the end":       failure.Final(failure.Refused, "it says: the password is %s", secret[:6]),
		"cut at the start":     failure.Final(failure.Refused, "it says: …%s is wrong", secret[4:]),
		"in an error Temporal": temporal.NewApplicationError("the password is "+secret, "Refused", errors.New(secret)),
	} {
		t.Run(name, func(t *testing.T) {
			_, told := reported(t, func(ctx context.Context) (string, error) {
				redact.Add(ctx, secret)
				return "", err
			})
			for _, part := range []string{"p@ss", "word", "p%40ss", `/&x`} {
				if text := strings.ReplaceAll(told.Error(), "the password", ""); strings.Contains(strings.ReplaceAll(text, "password=", ""), part) {
					t.Errorf("%q is in %v", part, told)
				}
			}
		})
	}
}

func TestANoteHoldsNoSecret(t *testing.T) {
	note, err := reported(t, func(ctx context.Context) (string, error) {
		redact.Add(ctx, "Hush-hush")
		return "made with Hush-hush", nil
	})
	if note != "made with …" || err != nil {
		t.Errorf("%q, %v", note, err)
	}
}
