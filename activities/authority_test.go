package activities

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
	"lockstep/internal/objects"
)

// testCANamespace goes the way of an environment whose CA is in a namespace of its own, and of one whose CA goes there later.
func testCANamespace(t *testing.T, s *suite) {
	secret := func(namespace, name string) *corev1.Secret {
		t.Helper()
		found, err := s.kube.CoreV1().Secrets(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := s.made(t, "ca-apart")
	if _, err := run[string](t, s, s.activities.EnsureCredentials, before); err != nil {
		t.Fatal(err)
	}
	if _, err := run[Certificates](t, s, s.activities.EnsureCertificates, before); err != nil {
		t.Fatal(err)
	}
	apart := before
	apart.Env.Certificates.CANamespace = "authorities"
	_, err := run[Certificates](t, s, s.activities.EnsureCertificates, apart)
	wants(t, err, failure.NotFound, "certificates.caNamespace", "namespace authorities does not exist", "create it")
	_, err = run[Preflight](t, s, s.activities.Preflight, apart)
	wants(t, err, failure.NotFound, "certificates.caNamespace", "namespace authorities does not exist")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "authorities"}}
	if _, err := s.kube.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = run[Certificates](t, s, s.activities.EnsureCertificates, apart)
	wants(t, err, failure.Conflict, "Secret authorities/lockstep-ca-quickstart", "move it there from Secret ca-apart/lockstep-ca", "with its labels")

	moved := secret("ca-apart", "lockstep-ca")
	moved.ObjectMeta = metav1.ObjectMeta{Name: "lockstep-ca-quickstart", Labels: moved.Labels}
	if _, err := s.kube.CoreV1().Secrets("authorities").Create(t.Context(), moved, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	kept, err := run[Certificates](t, s, s.activities.EnsureCertificates, apart)
	if err != nil || kept.Summary != "unchanged" || !strings.Contains(strings.Join(kept.Warnings, ""), "kubectl delete secret lockstep-ca -n ca-apart") {
		t.Errorf("with the old key still there: %+v, %v", kept, err)
	}
	if err := s.kube.CoreV1().Secrets("ca-apart").Delete(t.Context(), "lockstep-ca", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if items, err := run[[]drift.Item](t, s, s.activities.DriftKeys, apart); err != nil || len(items) > 0 {
		t.Errorf("drift finds %v, %v", items, err)
	}
	for _, of := range []string{component.IdentityServer, component.Gateway} {
		if _, err := run[Rotated](t, s, s.activities.RotateCertificates, RotateInput{Input: apart, Component: of}); err != nil {
			t.Errorf("rotating %s: %v", of, err)
		}
	}
	_, err = run[Certificates](t, s, s.activities.EnsureCertificates, before)
	wants(t, err, failure.Conflict, "Secret ca-apart/lockstep-ca", "from Secret authorities/lockstep-ca-quickstart", "or write certificates.caNamespace: authorities")

	twin := s.made(t, "ca-twin") // the same name, in another namespace
	twin.Env.Certificates.CANamespace = "authorities"
	_, err = run[Preflight](t, s, s.activities.Preflight, twin)
	wants(t, err, failure.Conflict, "Secret authorities/lockstep-ca-quickstart", `in namespace "ca-apart", not of this one in namespace "ca-twin"`, "another certificates.caNamespace")
	if _, err := run[string](t, s, s.activities.EnsureCredentials, twin); err != nil {
		t.Fatal(err)
	}
	_, err = run[Certificates](t, s, s.activities.EnsureCertificates, twin)
	wants(t, err, failure.Conflict, "Secret authorities/lockstep-ca-quickstart", `"ca-apart"`)
	if err := doAct(t, s, s.activities.RemoveObjects, SnapshotInput{Input: twin, Set: objects.Certificates}); err != nil || secret("authorities", "lockstep-ca-quickstart") == nil {
		t.Errorf("a purge removes the CA's key of another environment: %v", err)
	}

	if err := doAct(t, s, s.activities.RemoveObjects, SnapshotInput{Input: before, Set: objects.Certificates}); err != nil || secret("authorities", "lockstep-ca-quickstart") != nil {
		t.Errorf("a purge by a file without certificates.caNamespace leaves the CA's key: %v", err)
	}
	if made, err := run[Certificates](t, s, s.activities.EnsureCertificates, before); err != nil || made.Summary != "made" {
		t.Fatalf("%+v, %v", made, err)
	}
	if err := doAct(t, s, s.activities.RemoveObjects, SnapshotInput{Input: apart, Set: objects.Certificates}); err != nil || secret("ca-apart", "lockstep-ca") != nil || secret("authorities", "lockstep-ca-quickstart") != nil {
		t.Errorf("a purge leaves the CA's key: %v", err)
	}
	absent, err := run[[]cluster.Snapshot](t, s, s.activities.Snapshot, SnapshotInput{Input: apart, Set: objects.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	if made, err := run[Certificates](t, s, s.activities.EnsureCertificates, apart); err != nil || made.Summary != "made" || secret("ca-apart", "lockstep-ca") != nil ||
		secret("authorities", "lockstep-ca-quickstart") == nil {
		t.Errorf("it is made elsewhere: %+v, %v", made, err)
	}
	if err := doAct(t, s, s.activities.Restore, RestoreInput{Input: apart, Before: absent}); err != nil || secret("authorities", "lockstep-ca-quickstart") != nil {
		t.Errorf("an undo leaves the CA's key: %v", err)
	}
}

// doAct carries out an activity without a result.
func doAct(t *testing.T, s *suite, activity, input any) error {
	t.Helper()
	_, err := run[struct{}](t, s, activity, input)
	return err
}
