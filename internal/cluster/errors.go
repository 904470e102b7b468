package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"lockstep/internal/admission"
)

// Kind says what went wrong between Lockstep and the API server.
type Kind string

// Kinds of errors.
const (
	InvalidConfig Kind = "InvalidConfig" // cluster access cannot be read, or the server is not the one it names
	Unreachable   Kind = "Unreachable"   // no connection; may pass
	Unavailable   Kind = "Unavailable"   // the server answered that it cannot now; may pass
	Unauthorized  Kind = "Unauthorized"
	Forbidden     Kind = "Forbidden"
	NotFound      Kind = "NotFound"
	MissingKind   Kind = "MissingKind" // the cluster does not serve this kind of object
	Conflict      Kind = "Conflict"    // somebody else's object or field
	Invalid       Kind = "Invalid"     // the server refuses the object as it is
)

// Error is a failed exchange with the API server: what was being done, what came back, and the operator's next move.
type Error struct {
	Kind  Kind
	Doing string
	Next  string
	Err   error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %v", e.Doing, e.Err)
	if e.Next == "" {
		return text
	}
	return strings.TrimRight(text, ". ") + ". Next: " + e.Next
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable says whether the same request may succeed later without anybody's help.
func (e *Error) Retryable() bool { return e.Kind == Unreachable || e.Kind == Unavailable }

// Problem is what keeps an object from becoming ready.
type Problem struct {
	// Reason is one word, as ImagePullBackOff.
	Reason string
	// Object is the object that cannot become ready, as "Pod apim/x".
	Object string
	// Evidence is what the cluster said: conditions, events, the last lines of a log. It may span lines.
	Evidence string
	// NextMove is what the operator does about it.
	NextMove string
	// Retryable says that waiting again may help.
	Retryable bool
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("%s is not ready: %s", p.Object, p.Reason)
	if p.Evidence != "" {
		text += "\n" + p.Evidence
	}
	if p.NextMove != "" {
		text += "\nNext: " + p.NextMove
	}
	return text
}

// Classify gives an error of the Kubernetes client its kind and next move. The end of a context passes as it is.
func Classify(doing string, err error) error {
	var known *Error
	var problem *Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.As(err, &problem):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	}
	kind, next := judge(err)
	return &Error{Kind: kind, Doing: doing, Next: next, Err: err}
}

func judge(err error) (Kind, string) {
	switch {
	case apierrors.IsUnauthorized(err):
		return Unauthorized, "renew the credentials of the kubeconfig or of the worker's service account"
	case admission.IsPolicy(err.Error()) && strings.Contains(err.Error(), "denied"):
		return Invalid, "a policy of this cluster refuses it: correct what it names, or ask its owner for an exception"
	case apierrors.IsForbidden(err) && admission.IsQuota(err.Error()):
		return Forbidden, "raise the namespace's ResourceQuota"
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "being terminated"):
		return Conflict, "wait until the namespace is gone, or choose another one"
	case apierrors.IsForbidden(err):
		return Forbidden, "grant this verb on this resource to the worker's user or service account"
	case meta.IsNoMatchError(err):
		return MissingKind, "install the CustomResourceDefinition first (routing.crds: create)"
	case apierrors.IsNotFound(err):
		return NotFound, "create it, or correct the name"
	case apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict):
		return Conflict, "another field manager owns these fields: take them out of its configuration, then run again"
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err): // its controller wrote a status, another worker was faster
		return Unavailable, "somebody else changes this object at the same time: if it stays so, find out who, then run again"
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return Invalid, "correct the field that is named"
	case isStatus(err):
		return Unavailable, "look at the health of the API server (kubectl get --raw /readyz?verbose)"
	case isUntrusted(err):
		return InvalidConfig, "the server's certificate does not fit the kubeconfig: correct its server or certificate-authority"
	case isNetwork(err):
		return Unreachable, "check that the worker's machine reaches the API server (kubectl version)"
	}
	return Unavailable, "run again; if it stays, look at the API server's health"
}

// isStatus: the API server answered, with none of the kinds above (overload, time-outs, failing webhooks).
func isStatus(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}

func isUntrusted(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

func isNetwork(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsHTTP2ConnectionLost(err)
}
