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

	"lockstep/config"
)

func TestErrorsAreToldApart(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for _, test := range []struct {
		name string
		err  error
		want Kind
	}{
		{"refused", &url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}, Unreachable},
		{"cut off", io.ErrUnexpectedEOF, Unreachable},
		{"certificate", &url.Error{Op: "Get", URL: "https://x", Err: x509.UnknownAuthorityError{}}, InvalidConfig},
		{"credentials", apierrors.NewUnauthorized("no"), Unauthorized},
		{"permission", apierrors.NewForbidden(pods, "x", errors.New("no")), Forbidden},
		{"namespace going", apierrors.NewForbidden(pods, "x", errors.New("namespace apim is being terminated")), Conflict},
		{"policy", apierrors.NewForbidden(pods, "x", errors.New("ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no")), Invalid},
		{"policy of a webhook", apierrors.NewForbidden(pods, "x", errors.New(`admission webhook "w" denied the request: no`)), Invalid},
		{"quota", apierrors.NewForbidden(pods, "x", errors.New("exceeded quota: small")), Forbidden},
		{"absent", apierrors.NewNotFound(pods, "x"), NotFound},
		{"concurrent change", apierrors.NewConflict(pods, "x", errors.New("the object has been modified")), Unavailable},
		{"concurrent creation", apierrors.NewAlreadyExists(pods, "x"), Unavailable},
		{"field of another manager", apierrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec"}}, "conflict with kubectl"), Conflict},
		{"kind", &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "Gateway"}}, MissingKind},
		{"object", apierrors.NewBadRequest("no"), Invalid},
		{"overload", apierrors.NewTooManyRequests("later", 1), Unavailable},
		{"webhook", apierrors.NewInternalError(errors.New("failed calling webhook")), Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got *Error
			if err := Classify("doing it", test.err); !errors.As(err, &got) || got.Kind != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %v", err)
			}
			if got != nil && (got.Next == "" || !strings.HasPrefix(got.Error(), "doing it: ")) {
				t.Errorf("text: %v", got)
			}
		})
	}
	if err := Classify("doing it", context.Canceled); !errors.Is(err, context.Canceled) || errors.As(err, new(*Error)) {
		t.Errorf("a cancellation became %v", err)
	}
}

func TestAKubeconfigThatIsNotThereIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nope")
	_, err := New(config.Cluster{Kubeconfig: path})
	var known *Error
	if !errors.As(err, &known) || known.Kind != InvalidConfig || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestAnUnreachableClusterIsTold(t *testing.T) {
	client, err := NewForConfig(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	var known *Error
	if _, err := client.Version(t.Context()); !errors.As(err, &known) || known.Kind != Unreachable {
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
	client, err := New(config.Cluster{Kubeconfig: path})
	if err != nil {
		t.Fatal(err)
	}
	kind := func(err error) (Kind, bool) {
		var known *Error
		errors.As(client.Renewable(Classify("waiting", err)), &known)
		return known.Kind, known.Retryable()
	}
	if got, retryable := kind(apierrors.NewUnauthorized("no")); got != Unauthorized || retryable {
		t.Errorf("the same kubeconfig: %s", got)
	}
	write("new")
	if got, retryable := kind(apierrors.NewUnauthorized("no")); got != Unavailable || !retryable {
		t.Errorf("another kubeconfig: %s", got)
	}
	if got, _ := kind(apierrors.NewForbidden(schema.GroupResource{}, "", nil)); got != Forbidden {
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
