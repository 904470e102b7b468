// Package failure is how an engine says that something went wrong: of what kind it is, what was being done, why it failed, what an
// operator does next, and whether the same attempt may succeed later. Every engine returns it; it becomes an error of Temporal's in one
// place, the interceptor of activities.
package failure

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of failure it is. Kinds are stable: they are the types of Temporal's application errors, on which callers of the
// API and retry policies may rely.
type Kind string

// Kinds of failures.
const (
	InvalidConfig Kind = "InvalidConfig" // the environment, or a setting, asks for what cannot be: edit it
	Unauthorized  Kind = "Unauthorized"  // credentials or permissions are missing
	NotFound      Kind = "NotFound"      // a chart, image, artifact or object is not there
	Conflict      Kind = "Conflict"      // something of somebody else is in the way
	Unavailable   Kind = "Unavailable"   // a system does not answer, or answers that it cannot now
	NotReady      Kind = "NotReady"      // a workload cannot become ready; the cause holds the diagnosis
	Refused       Kind = "Refused"       // a product answers, and not as it should
	Internal      Kind = "Internal"      // Lockstep itself is wrong
)

// Error is a failure. No part of it holds a secret.
type Error struct {
	Kind Kind
	// Reason is one word for the programs that have to tell failures of a kind apart, such as ImagePullBackOff. It may be empty, and it
	// is no part of the text.
	Reason string
	// Doing is what was being done, such as "reading Secret wso2/x". It is empty where the cause says it.
	Doing string
	// Cause is what came back. It may span lines.
	Cause error
	// Next is the operator's next move. It is empty where the cause says it.
	Next string
	// Retryable says whether the same attempt may succeed later without anybody's help.
	Retryable bool
}

// Error is what a person reads: what was being done, the cause and the next move.
func (e *Error) Error() string {
	text := string(e.Kind)
	if e.Cause != nil {
		text = e.Cause.Error()
	}
	if e.Doing != "" {
		text = e.Doing + ": " + text
	}
	switch {
	case e.Next == "":
		return text
	case strings.Contains(text, "\n"):
		return text + "\nNext: " + e.Next
	}
	return strings.TrimRight(text, ". ") + ". Next: " + e.Next
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Final makes a failure that no other attempt mends. The cause is written as for [fmt.Errorf].
func Final(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Cause: fmt.Errorf(format, args...)}
}

// Transient makes a failure that is worth another attempt. The cause is written as for [fmt.Errorf].
func Transient(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Cause: fmt.Errorf(format, args...), Retryable: true}
}

// As finds the failure in an error.
func As(err error) (*Error, bool) {
	var e *Error
	found := errors.As(err, &e)
	return e, found
}

// KindOf is the kind of the failure in an error, or "" if there is none.
func KindOf(err error) Kind {
	if e, found := As(err); found {
		return e.Kind
	}
	return ""
}

// Is says whether there is a failure of one of the kinds in an error.
func Is(err error, kinds ...Kind) bool {
	found := KindOf(err)
	for _, kind := range kinds {
		if found == kind && found != "" {
			return true
		}
	}
	return false
}

// ReasonOf is the reason of the failure in an error, or "".
func ReasonOf(err error) string {
	if e, found := As(err); found {
		return e.Reason
	}
	return ""
}

// IsRetryable says whether another attempt may succeed. An error that is no failure is not known to be hopeless: it may.
func IsRetryable(err error) bool {
	e, found := As(err)
	return !found || e.Retryable
}

// IsClassified says whether an error needs no classification: it is nil, a failure already, or the end of a context, which keeps its
// identity so that a cancellation is told from a failure.
func IsClassified(err error) bool {
	_, found := As(err)
	return err == nil || found || errors.Is(err, context.Canceled)
}

// In puts a field of the environment file before a failure, or what else says where it is. Any other error passes as it is.
func In(where string, err error) error {
	e, found := As(err)
	if !found {
		return err
	}
	in := *e
	in.Cause = Reworded(where+": "+err.Error(), err)
	in.Doing, in.Next = "", ""
	return &in
}

// Reworded is an error in other words. What [errors.Is] and [errors.As] find in err, they find in it.
func Reworded(says string, err error) error { return &text{says, err} }

// text is an error in other words.
type text struct {
	says string
	err  error
}

func (t *text) Error() string { return t.says }

// Unwrap gives the error that it says in other words.
func (t *text) Unwrap() error { return t.err }

// Join makes one failure of several, a line each. It is worth another attempt only if all of them are; its kind is that of the first
// which is not, or else of the first. A cancellation stands for all.
func Join(errs ...error) error {
	return join(errs, func(first, e *Error) bool { return first.Retryable && !e.Retryable })
}

// JoinTransient makes one failure of several of work that went on after each of them, as undoing does. It is worth another attempt as
// long as one of them is, since that gets further; its kind is that of the first which is, or else of the first. A cancellation stands
// for all.
func JoinTransient(errs ...error) error {
	return join(errs, func(first, e *Error) bool { return !first.Retryable && e.Retryable })
}

// join makes a failure of the kind of one of them: the first, or a later one that decides. An error that is no failure is taken for a
// system that does not answer.
func join(errs []error, decides func(first, e *Error) bool) error {
	var first *Error
	var texts []string
	for _, err := range errs {
		if err == nil {
			continue
		}
		e, found := As(err)
		switch {
		case !found && errors.Is(err, context.Canceled):
			return err
		case !found:
			e = &Error{Kind: Unavailable, Retryable: true}
		}
		texts = append(texts, err.Error())
		if first == nil || decides(first, e) {
			first = e
		}
	}
	if first == nil {
		return nil
	}
	return &Error{Kind: first.Kind, Reason: first.Reason, Cause: Reworded(strings.Join(texts, "\n"), errors.Join(errs...)), Retryable: first.Retryable}
}
