package release

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
)

// Reason says what kind of problem it is.
type Reason string

// Reasons of a [Problem].
const (
	ChartNotFound    Reason = "ChartNotFound"    // no such repository, chart or folder
	VersionNotFound  Reason = "VersionNotFound"  // the chart is there, the version is not
	ChartInvalid     Reason = "ChartInvalid"     // it cannot be read, or is not what it should be
	RenderFailed     Reason = "RenderFailed"     // a template of the chart refuses the values
	Conflict         Reason = "Conflict"         // an object of somebody else is in the way
	KindMissing      Reason = "KindMissing"      // the cluster does not know a kind: its CRD is missing
	Rejected         Reason = "Rejected"         // the API server refuses an object as invalid
	Forbidden        Reason = "Forbidden"        // the API server refuses the request
	NamespaceMissing Reason = "NamespaceMissing" // the release's namespace is not there
	Unreachable      Reason = "Unreachable"      // cluster, repository or registry does not answer
	HookFailed       Reason = "HookFailed"       // a hook failed, or cannot start
	NotGone          Reason = "NotGone"          // objects of an uninstalled release are still there
	Failed           Reason = "Failed"           // anything else that Helm says
)

// Problem is an error of this package with what to do about it.
type Problem struct {
	Reason    Reason
	Message   string // what went wrong, without secrets
	NextMove  string // what the operator can do
	Retryable bool   // whether the same call may succeed later
	Err       error  // the cause, if any; its text is in Message
}

// Error is the message with the next move.
func (p *Problem) Error() string {
	if p.NextMove == "" {
		return p.Message
	}
	return strings.TrimRight(p.Message, ". ") + ". Next: " + p.NextMove
}

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.Err }

// symptom recognises an error of Helm, which turns most causes into text.
type symptom struct {
	matches  func(err error, text string) bool
	reason   Reason
	nextMove string
	retry    bool
}

func symptoms() []symptom {
	return []symptom{
		{has("cannot be imported into the current release"), Conflict,
			"delete that object or rename yours, or give it to this release with Helm's label and annotations", false},
		{has("denied the request"), Rejected, "the cluster's policy refuses it: ask the owner of the webhook that is named", false},
		{has("denied request: "), Rejected, "a policy of this cluster refuses it: correct what it names, or ask its owner for an exception", false},
		{has("exceeded quota: "), Rejected, "raise the namespace's ResourceQuota", false},
		{has("because it is being terminated"), Conflict, "wait until the namespace is gone, or choose another one", false},
		{noMatch, KindMissing, "install the CRDs first", false},
		{namespaceMissing, NamespaceMissing, "create the namespace first", true},
		{apiError(apierrors.IsInvalid, `" is invalid: `), Rejected, "correct the values", false},
		{apiError(apierrors.IsBadRequest, "cannot be handled as a"), Rejected, "correct the values", false},
		{apiError(apierrors.IsForbidden, " is forbidden: "), Forbidden, "give the worker's account this permission", false},
		{apiError(apierrors.IsUnauthorized, "Unauthorized"), Forbidden, "renew the worker's credentials", false},
		{unreachable, Unreachable, "check that the worker reaches the cluster", true},
	}
}

// problem explains an error of a Helm action on a release.
func problem(doing string, err error) error {
	var known *Problem
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	text := oneLine(err.Error())
	for _, s := range symptoms() {
		if s.matches(err, text) {
			return &Problem{Reason: s.reason, Message: doing + ": " + text, NextMove: s.nextMove, Retryable: s.retry, Err: err}
		}
	}
	return &Problem{Reason: Failed, Message: doing + ": " + text, Retryable: true, Err: err}
}

func has(part string) func(error, string) bool {
	return func(_ error, text string) bool { return strings.Contains(text, part) }
}

func apiError(is func(error) bool, part string) func(error, string) bool {
	return func(err error, text string) bool { return is(err) || strings.Contains(text, part) }
}

func noMatch(err error, text string) bool {
	return meta.IsNoMatchError(err) || strings.Contains(text, "no matches for kind")
}

func namespaceMissing(_ error, text string) bool {
	return strings.Contains(text, `namespaces "`) && strings.Contains(text, `" not found`)
}

func unreachable(err error, text string) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || strings.Contains(text, "cluster unreachable") ||
		strings.Contains(text, "connection refused")
}

// transient says whether a question to the cluster may just be asked again.
func transient(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || apierrors.IsTimeout(err)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
