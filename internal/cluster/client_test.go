package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"lockstep/internal/failure"
)

func TestErrorsAreToldApart(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for _, test := range []struct {
		name   string
		err    error
		want   failure.Kind
		reason string
	}{
		{"refused", &url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}, failure.Unavailable, ReasonUnreachable},
		{"cut off", io.ErrUnexpectedEOF, failure.Unavailable, ReasonUnreachable},
		{"certificate", &url.Error{Op: "Get", URL: "https://x", Err: x509.UnknownAuthorityError{}}, failure.InvalidConfig, ""},
		{"credentials", apierrors.NewUnauthorized("no"), failure.Unauthorized, ""},
		{"permission", apierrors.NewForbidden(pods, "x", errors.New("no")), failure.Unauthorized, ReasonForbidden},
		{"namespace going", apierrors.NewForbidden(pods, "x", errors.New("namespace apim is being terminated")), failure.Conflict, ""},
		{"policy", apierrors.NewForbidden(pods, "x", errors.New("ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no")), failure.InvalidConfig, ReasonInvalid},
		{"policy of a webhook", apierrors.NewForbidden(pods, "x", errors.New(`admission webhook "w" denied the request: no`)), failure.InvalidConfig, ReasonInvalid},
		{"quota", apierrors.NewForbidden(pods, "x", errors.New("exceeded quota: small")), failure.Unauthorized, ReasonForbidden},
		{"absent", apierrors.NewNotFound(pods, "x"), failure.NotFound, ""},
		{"concurrent change", apierrors.NewConflict(pods, "x", errors.New("the object has been modified")), failure.Unavailable, ""},
		{"concurrent creation", apierrors.NewAlreadyExists(pods, "x"), failure.Unavailable, ""},
		{"field of another manager", apierrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec"}}, "conflict with kubectl"), failure.Conflict, ""},
		{"kind", &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "Gateway"}}, failure.NotFound, ReasonMissingKind},
		{"object", apierrors.NewBadRequest("no"), failure.InvalidConfig, ReasonInvalid},
		{"overload", apierrors.NewTooManyRequests("later", 1), failure.Unavailable, ""},
		{"webhook", apierrors.NewInternalError(errors.New("failed calling webhook")), failure.Unavailable, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Classify("doing it", test.err)
			got, _ := failure.As(err)
			if !failure.Is(err, test.want) || got.Reason != test.reason || got.Retryable != (test.want == failure.Unavailable) || !errors.Is(err, test.err) {
				t.Errorf("got %+v", got)
			}
			if got != nil && (got.Next == "" || !strings.HasPrefix(got.Error(), "doing it: ")) {
				t.Errorf("text: %v", got)
			}
		})
	}
	if err := Classify("doing it", context.Canceled); !errors.Is(err, context.Canceled) || failure.KindOf(err) != "" {
		t.Errorf("a cancellation became %v", err)
	}
}

func TestAKubeconfigThatIsNotThereIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nope")
	_, err := New(Reach{Kubeconfig: path})
	if !failure.Is(err, failure.InvalidConfig) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestAnUnreachableClusterIsTold(t *testing.T) {
	client, err := NewForConfig(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Version(t.Context()); failure.ReasonOf(err) != ReasonUnreachable {
		t.Errorf("version: %v", err)
	}
}

func TestA401PassesWhereTheKubeconfigWasChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	write := func(token string) {
		t.Helper()
		text := fmt.Sprintf("{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], "+
			"clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {token: %s}}]}", token)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old")
	client, err := New(Reach{Kubeconfig: path})
	if err != nil {
		t.Fatal(err)
	}
	kind := func(err error) (failure.Kind, bool) {
		renewable := client.Renewable(Classify("waiting", err))
		return failure.KindOf(renewable), failure.IsRetryable(renewable)
	}
	if got, retryable := kind(apierrors.NewUnauthorized("no")); got != failure.Unauthorized || retryable {
		t.Errorf("the same kubeconfig: %s", got)
	}
	write("new")
	if got, retryable := kind(apierrors.NewUnauthorized("no")); got != failure.Unavailable || !retryable {
		t.Errorf("another kubeconfig: %s", got)
	}
	if got, retryable := kind(apierrors.NewForbidden(schema.GroupResource{}, "", nil)); got != failure.Unauthorized || retryable {
		t.Errorf("a missing right: %s", got)
	}
}

func TestAProvidersSuffixOfAMinorVersionIsDropped(t *testing.T) {
	if got := digits("31+"); got != "31" {
		t.Errorf("got %q", got)
	}
}

func TestTheChecksumKeepsKeysAndValuesApart(t *testing.T) {
	a := checksum(map[string][]byte{"a": []byte("bc"), "d": nil})
	if a != checksum(map[string][]byte{"d": {}, "a": []byte("bc")}) || a == checksum(map[string][]byte{"ab": []byte("c"), "d": nil}) {
		t.Error("same data must give the same checksum, other data another")
	}
}
