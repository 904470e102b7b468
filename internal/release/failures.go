package release

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"lockstep/internal/admission"
	"lockstep/internal/failure"
	"lockstep/internal/release/inventory"
)

// Reasons of this package's failures. Those of charts are in package chart, those of hooks in package hook.
const (
	RenderFailed     = "RenderFailed"     // a template of the chart refuses the values
	Conflict         = "Conflict"         // an object of somebody else is in the way, or somebody else is at work
	KindMissing      = "KindMissing"      // the cluster does not know a kind: its CRD is missing
	Rejected         = "Rejected"         // the API server refuses an object as invalid
	Forbidden        = "Forbidden"        // the API server refuses the request
	NamespaceMissing = "NamespaceMissing" // the release's namespace is not there
	Unreachable      = "Unreachable"      // the cluster does not answer
	NotGone          = "NotGone"          // objects of an uninstalled release are still there
	Failed           = "Failed"           // anything else that Helm says
)

// final makes a failure that no other attempt mends. The cause is written as for [fmt.Errorf].
func final(reason, next, format string, args ...any) *failure.Error {
	return &failure.Error{Kind: kindOf(reason), Reason: reason, Cause: fmt.Errorf(format, args...), Next: next}
}

// transient makes a failure that is worth another attempt. The cause is written as for [fmt.Errorf].
func transient(reason, next, format string, args ...any) *failure.Error {
	return &failure.Error{Kind: failure.Unavailable, Reason: reason, Cause: fmt.Errorf(format, args...), Next: next, Retryable: true}
}

// kindOf is the kind of failures for a reason that no other attempt mends.
func kindOf(reason string) failure.Kind {
	switch reason {
	case Conflict:
		return failure.Conflict
	case KindMissing, NamespaceMissing:
		return failure.NotFound
	case Forbidden:
		return failure.Unauthorized
	case NotGone:
		return failure.NotReady
	}
	return failure.InvalidConfig
}

// symptom recognises an error of Helm, which turns most causes into text.
type symptom struct {
	matches   func(err error, text string) bool
	reason    string
	next      string
	retryable bool
}

func symptoms() []symptom {
	return []symptom{
		{has("cannot be imported into the current release"), Conflict,
			"delete that object or rename yours, or give it to this release with Helm's label and annotations", false},
		{has("denied the request"), Rejected, "the cluster's policy refuses it: ask the owner of the webhook that is named", false},
		{has("denied request: "), Rejected, "a policy of this cluster refuses it: correct what it names, or ask its owner for an exception", false},
		{has("exceeded quota: "), Rejected, "raise the namespace's ResourceQuota", false},
		{has("because it is being terminated"), Conflict, "wait until the namespace is gone, or choose another one", false},
		{unknownKind, KindMissing, "install the CRDs first", false},
		{namespaceMissing, NamespaceMissing, "create the namespace first", true},
		{apiError(apierrors.IsInvalid, `" is invalid: `), Rejected, "correct the values", false},
		{apiError(apierrors.IsBadRequest, "cannot be handled as a"), Rejected, "correct the values", false},
		{apiError(apierrors.IsForbidden, " is forbidden: "), Forbidden, "give the worker's account this permission", false},
		{apiError(apierrors.IsUnauthorized, "Unauthorized"), Forbidden, "renew the worker's credentials", false},
		{unreachable, Unreachable, "check that the worker reaches the cluster", true},
	}
}

// explained makes a failure of an error of Helm's, or of its client for Kubernetes. A cancelled context keeps its identity.
func explained(doing string, err error) error {
	if failure.IsClassified(err) {
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return err
	}
	line := failure.Reworded(oneLine(admission.Brief(err).Error()), err)
	if errors.Is(err, context.DeadlineExceeded) {
		return &failure.Error{Kind: failure.Unavailable, Reason: Unreachable, Doing: doing, Cause: line, Retryable: true}
	}
	for _, s := range symptoms() {
		if !s.matches(err, line.Error()) {
			continue
		}
		e := &failure.Error{Kind: kindOf(s.reason), Reason: s.reason, Doing: doing, Cause: line, Next: s.next, Retryable: s.retryable}
		if s.retryable {
			e.Kind = failure.Unavailable
		}
		return e
	}
	return &failure.Error{Kind: failure.Unavailable, Reason: Failed, Doing: doing, Cause: line, Retryable: true}
}

func has(part string) func(error, string) bool {
	return func(_ error, text string) bool { return strings.Contains(text, part) }
}

func apiError(is func(error) bool, part string) func(error, string) bool {
	return func(err error, text string) bool { return is(err) || strings.Contains(text, part) }
}

func unknownKind(err error, _ string) bool { return inventory.IsUnknownKind(err) }

func namespaceMissing(_ error, text string) bool {
	return strings.Contains(text, `namespaces "`) && strings.Contains(text, `" not found`)
}

func unreachable(err error, text string) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || strings.Contains(text, "cluster unreachable") ||
		strings.Contains(text, "connection refused")
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
