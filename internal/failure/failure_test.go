package failure_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"lockstep/internal/failure"
)

func TestAFailureSaysWhatWasDoneWhyItFailedAndWhatIsNext(t *testing.T) {
	cause := errors.New("connection refused")
	for name, test := range map[string]struct {
		failure *failure.Error
		says    string
	}{
		"all of it":         {&failure.Error{Kind: failure.Unavailable, Doing: "reading Secret a/b", Cause: cause, Next: "look there"}, "reading Secret a/b: connection refused. Next: look there"},
		"several lines":     {&failure.Error{Kind: failure.NotReady, Cause: errors.New("Pod x is not ready\nevent"), Next: "look there"}, "Pod x is not ready\nevent\nNext: look there"},
		"a sentence":        {&failure.Error{Kind: failure.Refused, Cause: errors.New("It does not work."), Next: "mend it"}, "It does not work. Next: mend it"},
		"nothing but a why": {failure.Final(failure.Conflict, "%d users", 3), "3 users"},
		"only a kind":       {&failure.Error{Kind: failure.Internal}, "Internal"},
	} {
		if says := test.failure.Error(); says != test.says {
			t.Errorf("%s: says %q, want %q", name, says, test.says)
		}
	}
}

func TestAFailureIsFoundInWhatWrapsIt(t *testing.T) {
	err := fmt.Errorf("outside: %w", &failure.Error{Kind: failure.NotFound, Reason: "VersionNotFound", Cause: errors.New("inside")})
	if !failure.Is(err, failure.Conflict, failure.NotFound) || failure.Is(err, failure.Conflict) {
		t.Errorf("the kind of %v is %q", err, failure.KindOf(err))
	}
	if reason := failure.ReasonOf(err); reason != "VersionNotFound" {
		t.Errorf("the reason is %q", reason)
	}
	if failure.IsRetryable(err) || !failure.IsRetryable(failure.Transient(failure.Unavailable, "later")) {
		t.Error("whether another attempt helps is lost")
	}
}

func TestOnlyFailuresCancellationsAndNothingAreClassified(t *testing.T) {
	for _, err := range []error{nil, failure.Final(failure.Refused, "no"), fmt.Errorf("x: %w", context.Canceled)} {
		if !failure.IsClassified(err) {
			t.Errorf("%v counts as not classified", err)
		}
	}
	for _, err := range []error{errors.New("plain"), context.DeadlineExceeded} {
		if failure.IsClassified(err) {
			t.Errorf("%v counts as classified", err)
		}
	}
}

func TestAFieldStandsBeforeAFailure(t *testing.T) {
	err := failure.In("image.base", &failure.Error{Kind: failure.NotFound, Doing: "getting x", Cause: errors.New("404"), Next: "correct it"})
	if says := err.Error(); says != "image.base: getting x: 404. Next: correct it" {
		t.Errorf("says %q", says)
	}
	if failure.KindOf(err) != failure.NotFound {
		t.Errorf("the kind became %q", failure.KindOf(err))
	}
	if err := failure.In("image.base", context.Canceled); err != context.Canceled {
		t.Errorf("a cancellation became %v", err)
	}
}

func TestSeveralFailuresAreOne(t *testing.T) {
	later, gone, wrong := failure.Transient(failure.Unavailable, "later"), failure.Final(failure.NotFound, "gone"), failure.Final(failure.InvalidConfig, "wrong")
	for name, test := range map[string]struct {
		errs      []error
		kind      failure.Kind
		retryable bool
		says      string
	}{
		"all may pass":            {[]error{later, nil, later}, failure.Unavailable, true, "later\nlater"},
		"one is final":            {[]error{later, gone}, failure.NotFound, false, "later\ngone"},
		"the first that is final": {[]error{gone, wrong}, failure.NotFound, false, "gone\nwrong"},
	} {
		err := failure.Join(test.errs...)
		if failure.KindOf(err) != test.kind || failure.IsRetryable(err) != test.retryable || err.Error() != test.says {
			t.Errorf("%s: %q of kind %s, retryable %v", name, err, failure.KindOf(err), failure.IsRetryable(err))
		}
	}
	if err := failure.Join(nil, nil); err != nil {
		t.Errorf("nothing became %v", err)
	}
	if err := failure.Join(gone, context.Canceled); err != context.Canceled {
		t.Errorf("a cancellation became %v", err)
	}
	if err := failure.Join(context.DeadlineExceeded, gone); failure.KindOf(err) != failure.NotFound || err.Error() != "context deadline exceeded\ngone" {
		t.Errorf("beside the end of a request the others became %v of kind %s", err, failure.KindOf(err))
	}
	var found *answer
	if err := failure.Join(later, &failure.Error{Kind: failure.Conflict, Cause: &answer{}}); !errors.As(err, &found) {
		t.Error("the cause of a part is lost")
	}
}

// answer is a cause that somebody looks for.
type answer struct{}

func (*answer) Error() string { return "409" }

func TestWorkThatGoesOnIsTriedAgainAsLongAsThatGetsFurther(t *testing.T) {
	later, gone := failure.Transient(failure.Unavailable, "later"), failure.Final(failure.NotFound, "gone")
	for _, errs := range [][]error{{later, gone}, {gone, later}} {
		if err := failure.JoinTransient(errs...); !failure.IsRetryable(err) || failure.KindOf(err) != failure.Unavailable {
			t.Errorf("%q is of kind %s, retryable %v", err, failure.KindOf(err), failure.IsRetryable(err))
		}
	}
	if err := failure.JoinTransient(gone, gone); failure.IsRetryable(err) || failure.KindOf(err) != failure.NotFound {
		t.Errorf("%q is of kind %s, retryable %v", err, failure.KindOf(err), failure.IsRetryable(err))
	}
}
