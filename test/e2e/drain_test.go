package e2e

import (
	"testing"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/test/world"
)

// testDrain evicts the products' pods, as kubectl drain does: their databases are in their containers, and gone.
func testDrain(t *testing.T, w *world.World) {
	w.Deployed(t)
	revisions := w.Revisions(t)
	pods := w.Client(t).CoreV1().Pods(world.Namespace)
	running, err := pods.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range running.Items {
		world.Eventually(t, "pod "+pod.Name+" may be evicted", func() bool {
			err := pods.EvictV1(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: world.Namespace}})
			if err != nil && !apierrors.IsTooManyRequests(err) && !apierrors.IsNotFound(err) {
				t.Fatal(err)
			}
			return err == nil || apierrors.IsNotFound(err)
		})
	}
	for _, pod := range running.Items {
		world.Eventually(t, "pod "+pod.Name+" has gone", func() bool {
			_, err := pods.Get(t.Context(), pod.Name, metav1.GetOptions{})
			return apierrors.IsNotFound(err)
		})
	}
	w.Deployed(t) // waits for the new pods, and proves that API Manager knows its key manager again
	w.EverythingIsThere(t)
	if now := w.Revisions(t); len(now) != len(revisions) {
		t.Errorf("revisions were %v, and are %v", revisions, now)
	}
}
