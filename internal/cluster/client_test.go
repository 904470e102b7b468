package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
			if err := classify("doing it", test.err); !errors.As(err, &got) || got.Kind != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %v", err)
			}
			if got != nil && (got.Next == "" || !strings.HasPrefix(got.Error(), "doing it: ")) {
				t.Errorf("text: %v", got)
			}
		})
	}
	if err := classify("doing it", context.Canceled); !errors.Is(err, context.Canceled) || errors.As(err, new(*Error)) {
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

func TestAnUnreachableClusterIsToldByEveryWait(t *testing.T) {
	client, err := NewForConfig(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	var known *Error
	if _, err := client.Version(t.Context()); !errors.As(err, &known) || known.Kind != Unreachable {
		t.Errorf("version: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := client.WaitDeployment(ctx, "apim", "is", nil); !errors.As(err, &known) || known.Kind != Unreachable {
		t.Errorf("wait: %v", err)
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
