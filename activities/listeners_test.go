package activities

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/keystore"
	"lockstep/internal/objects"
)

// sharing is an environment whose listeners share a certificate.
type sharing struct {
	*tenant
}

// testListeners goes from one certificate for all listeners to one for each.
func testListeners(t *testing.T, s *suite) {
	l := &sharing{newTenant(s, "listeners")}
	l.deploy(t, 2)
	well := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a := s.activities
	l.former(t)
	l.foreign(t)
	before := l.state(t)
	l.crossing(t, before)

	rotation := RotateInput{Input: l.in, Component: component.Gateway}
	for range 2 { // and once more, as after a worker was killed
		well(run[Rotated](t, s, a.RotateCertificates, rotation))
	}
	if diff := cmp.Diff(l.in.Env.ListenerSecrets(), l.uses(t)); diff != "" {
		t.Errorf("after a rotation the listeners use:\n%s", diff)
	}
	for range 2 {
		well(run[any](t, s, a.UndoRotateCertificates, rotation))
	}
	if diff := cmp.Diff(before, l.state(t)); diff != "" {
		t.Errorf("after its undo:\n%s", diff)
	}

	rotation.Scope.Run = "01a2-next"
	if rotated, err := run[Rotated](t, s, a.RotateCertificates, rotation); err != nil || rotated != (Rotated{}) {
		t.Error(rotated, err)
	}
	well(run[[]string](t, s, a.Settle, SettleInput{Input: l.in}))
	well(run[any](t, s, a.SettleRotation, l.in))
	if _, left := l.state(t)["Secret "+config.FormerListenerSecret]; left {
		t.Error("the former certificate is left")
	}
	if items, err := run[[]any](t, s, a.DriftKeys, l.in); err != nil || len(items) > 0 {
		t.Error(items, err)
	}
	l.someoneElses(t)
	l.replaced(t)
	l.brought(t)
	well(nil, s.kube.CoreV1().Secrets(l.in.Env.Namespace).Delete(t.Context(), "own", metav1.DeleteOptions{}))
	l.teardown(t, true)
	nothingShared(t, s)
}

// crossing is an operation that a worker of an earlier version begins, and one of this version ends or undoes.
func (l *sharing) crossing(t *testing.T, before map[string]any) {
	t.Helper()
	a, former := l.activities, objects.Secret(l.in.Env, config.FormerListenerSecret)
	as := func(when string) {
		t.Helper()
		if diff := cmp.Diff(before, l.state(t)); diff != "" {
			t.Errorf("after %s:\n%s", when, diff)
		}
	}
	listeners := do[[]cluster.Snapshot](t, l.tenant, a.Snapshot, SnapshotInput{Input: l.in, Set: objects.Gateway})
	for range 2 {
		do[any](t, l.tenant, a.ApplyGateway, l.in)
	}
	for _, secret := range l.in.Env.ListenerSecrets() {
		if _, made := l.state(t)["Secret "+secret]; !made {
			t.Errorf("the listeners use %s, which is not there", secret)
		}
	}
	undo := RestoreInput{Input: l.in, Set: objects.Certificates, Before: []cluster.Snapshot{{Ref: former, Exists: true}}}
	do[any](t, l.tenant, a.Restore, undo)
	if _, used := l.state(t)["Secret gateway-https-tls"]; !used {
		t.Error("an undo removes a certificate that the Gateway uses")
	}
	do[any](t, l.tenant, a.RestoreGateway, RestoreGatewayInput{Input: l.in, Before: listeners})
	for range 2 {
		do[any](t, l.tenant, a.Restore, undo)
	}
	as("the undo of a deployment")

	replaced := func(run string) {
		t.Helper()
		if _, err := l.cluster(t).ReplaceSecret(t.Context(), former.Namespace, former.Name, run, func(old map[string][]byte) (map[string][]byte, error) {
			return map[string][]byte{corev1.TLSCertKey: append(old[corev1.TLSCertKey], '\n'), corev1.TLSPrivateKeyKey: old[corev1.TLSPrivateKeyKey]}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	replaced(l.in.Scope.Run)
	do[any](t, l.tenant, a.UndoRotateCertificates, RotateInput{Input: l.in, Component: component.Gateway})
	as("the undo of a rotation")
	replaced("01a2-earlier")
	do[any](t, l.tenant, a.SettleRotation, l.in)
	if _, left := l.state(t)["Secret "+cluster.CopyOf(former.Name)]; left {
		t.Error("the copy of the former certificate is left")
	}
	if err := l.kube.CoreV1().Secrets(former.Namespace).Delete(t.Context(), former.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	l.secret(t, former.Namespace, former.Name, corev1.SecretTypeTLS, cluster.Labels(l.in.Env.Name), before["Secret "+former.Name].(map[string][]byte))
}

// brought gives the listeners a certificate of the user's own, and takes the others away once the Gateway has it.
func (l *sharing) brought(t *testing.T) {
	own := l.in
	own.Env.Certificates.GatewayTLS = "own"
	data, _, err := l.cluster(t).Secret(t.Context(), l.in.Env.Namespace, "gateway-https-tls")
	if err != nil {
		t.Fatal(err)
	}
	l.secret(t, l.in.Env.Namespace, "own", corev1.SecretTypeTLS, nil, data)
	for _, applied := range []bool{false, true} {
		if applied {
			if _, err := run[any](t, l.suite, l.activities.ApplyGateway, own); err != nil {
				t.Fatal(err)
			}
		}
		if warnings, err := run[[]string](t, l.suite, l.activities.Settle, SettleInput{Input: own}); err != nil || len(warnings) > 0 {
			t.Fatal(warnings, err)
		}
		if _, there := l.state(t)["Secret gateway-https-tls"]; there == applied {
			t.Errorf("with the Gateway applied (%v) the listener's own certificate is there: %v", applied, there)
		}
	}
}

// foreign leaves a certificate that somebody put where Lockstep's was.
func (l *sharing) foreign(t *testing.T) {
	t.Helper()
	secrets := l.kube.CoreV1().Secrets(l.in.Env.Namespace)
	label := func(labels map[string]string) {
		t.Helper()
		secret, err := secrets.Get(t.Context(), config.FormerListenerSecret, metav1.GetOptions{})
		if err == nil {
			secret.Labels = labels
			_, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	label(nil)
	before := l.state(t)
	rotated, err := run[Rotated](t, l.suite, l.activities.RotateCertificates, RotateInput{Input: l.in, Component: component.Gateway})
	if err != nil || rotated.Left == "" {
		t.Error(rotated, err)
	}
	_, err = run[any](t, l.suite, l.activities.Preflight, l.in)
	wants(t, err, failure.Conflict, "Secret listeners/gateway-tls", "certificates.gatewayTLS")
	if diff := cmp.Diff(before, l.state(t)); diff != "" {
		t.Error(diff)
	}
	label(cluster.Labels(l.in.Env.Name))
}

// someoneElses is one listener's Secret of five: the others are renewed, and both is said.
func (l *sharing) someoneElses(t *testing.T) {
	t.Helper()
	if err := l.cluster(t).DisownSecret(t.Context(), l.in.Env.Namespace, "gateway-https-tls"); err != nil {
		t.Fatal(err)
	}
	rotation := RotateInput{Input: l.in, Component: component.Gateway}
	rotation.Scope.Run = "01a2-partly"
	rotated, err := run[Rotated](t, l.suite, l.activities.RotateCertificates, rotation)
	if err != nil || !rotated.Renewed || !strings.Contains(rotated.Left, "gateway-https-tls") {
		t.Error(rotated, err)
	}
	do[any](t, l.tenant, l.activities.UndoRotateCertificates, rotation)
	secrets := l.kube.CoreV1().Secrets(l.in.Env.Namespace)
	secret, err := secrets.Get(t.Context(), "gateway-https-tls", metav1.GetOptions{})
	if err == nil {
		secret.Labels = cluster.Labels(l.in.Env.Name)
		_, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// replaced leaves a certificate that somebody put into Lockstep's own Secret, with its labels on.
func (l *sharing) replaced(t *testing.T) {
	t.Helper()
	ca, err := keystore.NewCA("theirs", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ca.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	namespace, data := l.in.Env.Namespace, map[string][]byte{corev1.TLSCertKey: ca.CertPEM(), corev1.TLSPrivateKeyKey: key}
	l.secret(t, namespace, config.FormerListenerSecret, corev1.SecretTypeTLS, cluster.Labels(l.in.Env.Name), data)
	unmade := l.in
	unmade.Env.Routing.Gateway = "not-yet"
	_, err = run[any](t, l.suite, l.activities.Preflight, unmade)
	wants(t, err, failure.Conflict, "Secret listeners/gateway-tls", "certificates.gatewayTLS")
	for _, told := range []int{1, 0} {
		warnings, err := run[[]string](t, l.suite, l.activities.Settle, SettleInput{Input: l.in})
		if err != nil || len(warnings) != told {
			t.Error(warnings, err)
		}
		if diff := cmp.Diff(any(data), l.state(t)["Secret "+config.FormerListenerSecret]); diff != "" {
			t.Error(diff)
		}
	}
	if occupants, err := l.cluster(t).Occupants(t.Context(), namespace); err != nil || len(occupants) != 1 {
		t.Error("its namespace would go with it:", occupants, err)
	}
	if err := l.kube.CoreV1().Secrets(namespace).Delete(t.Context(), config.FormerListenerSecret, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// former puts one certificate for all listeners in the place of their own, as earlier versions of Lockstep did.
func (l *sharing) former(t *testing.T) {
	t.Helper()
	c, namespace := l.cluster(t), l.in.Env.Namespace
	data, _, err := c.Secret(t.Context(), namespace, "keymanager-https-tls")
	if err != nil {
		t.Fatal(err)
	}
	l.secret(t, namespace, config.FormerListenerSecret, corev1.SecretTypeTLS, cluster.Labels(l.in.Env.Name), data)
	former := l.in
	former.Env.Certificates.GatewayTLS = config.FormerListenerSecret
	if _, err := run[any](t, l.suite, l.activities.ApplyGateway, former); err != nil {
		t.Fatal(err)
	}
	for _, secret := range l.in.Env.ListenerSecrets() {
		if err := c.Delete(t.Context(), objects.Secret(l.in.Env, secret)); err != nil {
			t.Fatal(err)
		}
	}
}

func (l *sharing) cluster(t *testing.T) *cluster.Client {
	t.Helper()
	c, err := l.activities.cluster(l.in.Scope.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// state is what there is of the listeners: their Secrets by their data, and which of them the Gateway uses.
func (l *sharing) state(t *testing.T) map[string]any {
	t.Helper()
	secrets, err := l.kube.CoreV1().Secrets(l.in.Env.Namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "type=" + string(corev1.SecretTypeTLS)})
	if err != nil {
		t.Fatal(err)
	}
	state := map[string]any{"uses": l.uses(t)}
	for _, secret := range secrets.Items {
		state["Secret "+secret.Name] = secret.Data
	}
	return state
}

func (l *sharing) uses(t *testing.T) []string {
	t.Helper()
	live, found, err := l.cluster(t).Get(t.Context(), gateway.Ref(l.in.Env))
	if err != nil || !found {
		t.Fatal(found, err)
	}
	var used []string
	for _, secret := range append(l.in.Env.ListenerSecrets(), config.FormerListenerSecret, "own") {
		if gateway.Uses(live, secret) && !slices.Contains(used, secret) {
			used = append(used, secret)
		}
	}
	return used
}
