package activities

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"

	"go.temporal.io/sdk/temporal"

	failures "lockstep/internal/failure"
	"lockstep/internal/rest"
	"lockstep/internal/verify"
)

// Types of the application errors that activities return. They are stable: callers and retry policies may rely on them.
const (
	TypeInvalidConfig = "InvalidConfig" // the environment asks for what cannot be; edit it
	TypeUnauthorized  = "Unauthorized"  // credentials or permissions are missing
	TypeNotFound      = "NotFound"      // a chart, image, artifact or object is not there
	TypeConflict      = "Conflict"      // something of somebody else is in the way
	TypeUnavailable   = "Unavailable"   // a system does not answer; retried
	TypeNotReady      = "NotReady"      // a workload cannot become ready; the message holds the diagnosis
	TypeRefused       = "Refused"       // a product answers, and not as it should
)

// failure is an error that no retry mends.
func failure(kind, text string) error {
	return temporal.NewNonRetryableApplicationError(text, kind, nil)
}

// passing is an error that is worth another attempt.
func passing(kind, text string) error {
	return temporal.NewApplicationErrorWithOptions(text, kind, temporal.ApplicationErrorOptions{})
}

// classify turns a failure of an engine into Temporal's.
func classify(err error) error {
	e, found := failures.As(err)
	switch {
	case !found || ended(err):
		return err
	case e.Retryable:
		return passing(string(e.Kind), err.Error())
	}
	return failure(string(e.Kind), err.Error())
}

// ended passes on what must keep its identity: nothing, an error that is classified already, and the end of the context.
func ended(err error) bool {
	var app *temporal.ApplicationError
	return err == nil || errors.As(err, &app) || errors.Is(err, context.Canceled)
}

// classifyCluster classifies what the Kubernetes API server said.
func classifyCluster(err error) error {
	return classifyWait(err)
}

// classifyWait classifies the end of a wait: a diagnosis is final, since the wait itself has tried for as long as it made sense.
// So is the end of its time: another attempt would wait as long again.
func classifyWait(err error) error {
	if err = classify(err); ended(err) {
		return err
	}
	return passing(TypeUnavailable, err.Error())
}

// classifyRelease classifies what Helm, chart repositories and registries said.
func classifyRelease(err error) error {
	if err = classify(err); ended(err) {
		return err
	}
	e, known := failures.As(err)
	switch {
	case !known:
		return classifyCluster(err)
	case e.Retryable:
		return passing(string(e.Kind), err.Error())
	}
	return failure(string(e.Kind), err.Error())
}

// classifyProduct classifies what the products said. Both answer 5xx for a while after they became ready.
func classifyProduct(err error) error {
	if err = classify(err); ended(err) {
		return err
	}
	var link *verify.Broken
	var unfit *rest.Unfit
	switch {
	case errors.As(err, &link), errors.As(err, &unfit):
		return failure(TypeRefused, err.Error())
	case isUntrusted(err):
		return failure(TypeRefused, err.Error()+": the product presents a certificate that the environment's CA (ConfigMap "+CAConfigMap+") did not sign, or not for "+
			"this name. Next: put the product's keystore Secret or that ConfigMap back, run `lockstep deploy`, and restart pods that are older than the Secret")
	}
	switch status := rest.Status(err); {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return failure(TypeUnauthorized, err.Error()+refusedHint(err))
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		return failure(TypeConflict, err.Error())
	case status == http.StatusNotFound && rest.Code(err) == "":
		return passing(TypeUnavailable, err.Error()) // the server's own page: the web application behind the path has not started yet
	case status == http.StatusTooManyRequests, status >= 500:
		return passing(TypeUnavailable, err.Error())
	case status >= 400:
		return failure(TypeRefused, err.Error())
	}
	return classifyCluster(err)
}

// isUntrusted is true for a certificate that no other attempt makes a trusted one. What Kubernetes' own certificate is about, on the
// way to a product, is the cluster's error.
func isUntrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	return failures.KindOf(err) == "" && (errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host))
}

// refusedHint is what a refusal to know Lockstep's admin means. Elsewhere it is about scopes and roles.
func refusedHint(err error) string {
	var e *rest.Error
	if !errors.As(err, &e) || !slices.Contains([]string{"/client-registration/v0.17/register", "/oauth2/token", "/scim2/Me", "/oauth2/introspect"}, e.Path) {
		return ". Next: give the account of credentials.adminUsername the admin role in the product"
	}
	return ". Next: put the product's own admin password into the credentials Secret (a product takes it at its first start and keeps it in its " +
		"database), or change it in the product to the one in the Secret"
}

// prefix puts the environment's field before a classified error.
func prefix(field string, err error) error {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) {
		return err
	}
	text := field + ": " + app.Message()
	if app.NonRetryable() {
		return failure(app.Type(), text)
	}
	return passing(app.Type(), text)
}
