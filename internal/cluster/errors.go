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
	"lockstep/internal/failure"
)

// Reasons of failures. Others are those of Kubernetes.
const (
	ReasonUnreachable = "Unreachable" // no connection; may pass
	ReasonForbidden   = "Forbidden"   // the account may not do this
	ReasonMissingKind = "MissingKind" // the cluster does not serve this kind of object
	ReasonInvalid     = "Invalid"     // the server refuses the object as it is
)

// Classify makes a failure of an error of the Kubernetes client: its kind and the next move. A failure passes as it is, and so does the
// end of a context by cancellation.
func Classify(doing string, err error) error {
	_, known := failure.As(err)
	switch {
	case err == nil, known:
		return err
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, context.DeadlineExceeded):
		return &failure.Error{Kind: failure.Unavailable, Doing: doing, Cause: err, Retryable: true}
	}
	judged := judge(err)
	judged.Doing, judged.Cause = doing, admission.Brief(err)
	return &judged
}

func judge(err error) failure.Error {
	forbidden, status := apierrors.IsForbidden(err), isStatus(err)
	switch {
	case apierrors.IsUnauthorized(err):
		return failure.Error{Kind: failure.Unauthorized, Next: "renew the credentials of the kubeconfig or of the worker's service account"}
	case admission.IsPolicy(err.Error()) && strings.Contains(err.Error(), "denied"):
		return failure.Error{Kind: failure.InvalidConfig, Reason: ReasonInvalid, Next: "a policy of this cluster refuses it: correct what it names, or ask its owner for an exception"}
	case forbidden && admission.IsQuota(err.Error()):
		return failure.Error{Kind: failure.Unauthorized, Reason: ReasonForbidden, Next: "raise the namespace's ResourceQuota"}
	case forbidden && strings.Contains(err.Error(), "being terminated"):
		return failure.Error{Kind: failure.Conflict, Next: "wait until the namespace is gone, or choose another one"}
	case forbidden:
		return failure.Error{Kind: failure.Unauthorized, Reason: ReasonForbidden, Next: "grant this verb on this resource to the worker's user or service account"}
	case meta.IsNoMatchError(err):
		return failure.Error{Kind: failure.NotFound, Reason: ReasonMissingKind, Next: "install the CustomResourceDefinition first (in the cluster's file, gateway.crds: create)"}
	case apierrors.IsNotFound(err):
		return failure.Error{Kind: failure.NotFound, Next: "create it, or correct the name"}
	case apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict):
		return failure.Error{Kind: failure.Conflict, Next: "another field manager owns these fields: take them out of its configuration, then run again"}
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return failure.Error{Kind: failure.InvalidConfig, Reason: ReasonInvalid, Next: "correct the field that is named"}
	case !status && isUntrusted(err):
		return failure.Error{Kind: failure.InvalidConfig, Next: "the server's certificate does not fit the kubeconfig: correct its server or certificate-authority"}
	}
	return judgePassing(err, status)
}

// judgePassing judges what may pass without anybody's help.
func judgePassing(err error, status bool) failure.Error {
	e := failure.Error{Kind: failure.Unavailable, Retryable: true, Next: "run again; if it stays, look at the API server's health"}
	switch {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err): // its controller wrote a status, another worker was faster
		e.Next = "somebody else changes this object at the same time: if it stays so, find out who, then run again"
	case status:
		e.Next = unhealthy
	case isNetwork(err):
		e.Reason, e.Next = ReasonUnreachable, "check that the worker's machine reaches the API server (kubectl version)"
	}
	return e
}

// unhealthy is the next move where the API server answers, and not what it should.
const unhealthy = "look at the health of the API server (kubectl get --raw /readyz?verbose)"

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
