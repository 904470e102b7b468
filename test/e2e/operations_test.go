package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
	"lockstep/test/testbed"
	"lockstep/test/world"
	"lockstep/workflows/board"
)

// crashing makes API Manager refuse to start, for a reason that nobody but itself can see.
func crashing() map[string]any {
	return map[string]any{"apiManager.values.wso2.apim.configurations.userStore.type": "$ref{nothing.here}"}
}

// scenario is what operators do with an environment, and what comes of it.
type scenario struct {
	name string
	run  func(*testing.T, *world.World)
}

// TestOperations has all scenarios in one world. Each brings the environment into the state it needs; in this order most find it there.
func TestOperations(t *testing.T) {
	w := world.Start(t)
	for _, s := range slices.Concat(operations(), decisions()) {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

func operations() []scenario {
	return []scenario{
		{"a file with mistakes ends 2 and starts nothing", testBadFile},
		{"a teardown of what is not there is refused", testTeardownOfNothing},
		{"a deployment that preflight refuses touches nothing", testPreflightFailure},
		{"a deployment whose API Manager crashes is undone", testCrash},
		{"a cancelled deployment is undone", testCancel},
		{"a deployment whose revocations never arrive is undone", testLateFailure},
		{"a deployment ends 0 with everything in place and nothing left behind", testDeploy},
		{"a second deployment changes nothing", testSecondDeploy},
		{"a rotation renews certificates and keeps the CA", testRotate},
		{"a comparison changes nothing, and finds what somebody changed", testDrift},
		{"a pair that does not fit the listeners is refused, and found", testListenerPair},
		{"every listener has a certificate of its own and speaks HTTP/2, and one for all is replaced", testListenerCertificates},
		{"a rebuild keeps the keys and ends with everything in place", testRebuild},
		{"an environment whose pods were evicted works again after a deployment", testDrain},
		{"an environment has one operation at a time, and Ctrl-C leaves it alone", testBusy},
		{"a change that fails leaves the environment as it worked before", testFailedChange},
		{"no secret is anywhere but in Secrets", testSecrets},
		{"a deployment's history is small", testHistory},
		{"a teardown leaves what others put into the gateway's namespace", testForeignTenant},
		{"a teardown leaves credentials and certificates", testTeardown},
		{"a deployment whose worker is killed ends as one without", testKilledWorker},
		{"a purge beside another environment leaves that one whole, and the last purge leaves nothing", testPurgeBesideAnother},
		{"two environments live by the printed rights alone, and their purges leave nothing", testRights},
		{"environments that come and go at once share the gateway, and leave nothing", testBeside},
		{"a new release of the gateway is done once its own Envoy serves", testGatewayRelease},
	}
}

func testBadFile(t *testing.T, w *world.World) {
	before := w.Run(t)
	said := w.Expect(t, world.BadInput, "deploy", "-f", world.File(t, map[string]any{"hostnames.gateway": "am.lockstep.test", "image.tagret": "x"}))
	said.Says(t, "tagret")
	said = w.Expect(t, world.BadInput, "deploy", "-f", world.File(t, map[string]any{"hostnames.gateway": "am.lockstep.test"}))
	said.Says(t, "hostnames.gateway", "am.lockstep.test")
	if now := w.Run(t); now != before {
		t.Errorf("run %s was started", now)
	}
}

func testTeardownOfNothing(t *testing.T, w *world.World) {
	w.Absent(t)
	before := w.Snapshot(t)
	w.Expect(t, world.NotThere, "teardown", "-f", world.File(t, nil)).Says(t, `environment "quickstart" has nothing in namespace "apim"`, "check")
	if diff := before.Differs(w.Snapshot(t)); diff != "" {
		t.Error(diff)
	}
}

const undoneText = "all that this run did is undone"

// undone deploys a file that must fail, and compares the cluster and the registry with how they were.
func undone(t *testing.T, w *world.World, deploy func() world.Said) world.Said {
	t.Helper()
	before := w.Snapshot(t)
	said := deploy()
	t.Log(said.Err)
	if said.Code != world.RolledBack {
		t.Fatalf("ends with %d:\n%s", said.Code, said.Err)
	}
	if diff := before.Differs(w.Snapshot(t)); diff != "" {
		t.Errorf("the cluster is not as before:\n%s", diff)
	}
	return said
}

func testPreflightFailure(t *testing.T, w *world.World) {
	pushes := len(w.Pushes(t))
	said := undone(t, w, func() world.Said {
		return w.Lockstep(t, "deploy", "-f", world.File(t, map[string]any{"image.base": "docker.io/wso2/wso2is:0.0.1"}))
	})
	said.Says(t, "step preflight failed", "docker.io/wso2/wso2is:0.0.1", "correct image.base", "nothing had been changed")
	if now := w.Pushes(t); len(now) != pushes {
		t.Errorf("pushed: %v", now[pushes:])
	}
}

func testCrash(t *testing.T, w *world.World) {
	w.Absent(t)
	said := undone(t, w, func() world.Said {
		return w.Lockstep(t, "deploy", "-f", world.File(t, crashing()))
	})
	said.Says(t, "step api-manager failed", "CrashLoopBackOff", "nothing.here", "Next:", undoneText)
}

func testCancel(t *testing.T, w *world.World) {
	w.Absent(t)
	undone(t, w, func() world.Said {
		deploy := w.Begin(t, "deploy", "-f", world.File(t, nil))
		w.Until(t, "identity-server", board.StateRunning)
		w.LearnSecrets(t)
		w.Expect(t, world.Done, "cancel", world.Environment).Says(t, "cancelling", "lockstep watch quickstart")
		return deploy.End(t)
	}).Says(t, "cancelled", undoneText)
	w.Expect(t, world.RolledBack, "watch", world.Environment).Says(t, "cancelled")
	w.Expect(t, world.BadInput, "cancel", world.Environment).Says(t, "no operation runs")
}

// testLateFailure puts the handler where Identity Server does not look for it: everything works but the revocation.
func testLateFailure(t *testing.T, w *world.World) {
	w.Absent(t)
	undone(t, w, func() world.Said {
		return w.Lockstep(t, "deploy", "-f", world.File(t, map[string]any{
			"timeouts.verify": "25s",
			"image.artifacts": []any{map[string]any{
				"url":         "https://maven.wso2.org/nexus/content/repositories/releases/org/wso2/km/ext/wso2is/wso2is.notification.event.handlers/2.1.3/wso2is.notification.event.handlers-2.1.3.jar",
				"destination": "repository/deployment/",
			}},
		}))
	}).Says(t, "step verify failed", "revoked", "dropins", undoneText)
}

// testKilledWorker kills the worker while products boot, and lets another one finish.
func testKilledWorker(t *testing.T, w *world.World) {
	w.Removed(t)
	deploy := w.Begin(t, "deploy", "-f", world.File(t, nil))
	w.Until(t, "api-manager", board.StateRunning)
	w.StopWorker(t, syscall.SIGKILL)
	w.StartWorker(t)
	if said := deploy.End(t); said.Code != world.Done {
		t.Fatalf("ends with %d:\n%s", said.Code, said.Err)
	}
	w.EverythingIsThere(t)
	w.OnlyFirstRevisions(t)
	w.NothingOfVerification(t)
}

func testBusy(t *testing.T, w *world.World) {
	if w.Worker == nil {
		t.Skip("the worker is a pod, which cannot be stopped and continued")
	}
	w.Deployed(t)
	freeze := func(signal syscall.Signal) {
		if err := w.Worker.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	freeze(syscall.SIGSTOP) // an operation that stays where it is
	defer freeze(syscall.SIGCONT)
	before := w.Run(t)
	deploy := w.Begin(t, "deploy", "-f", world.File(t, nil))
	world.Eventually(t, "the operation has begun", func() bool { return w.Run(t) != before })
	w.Expect(t, world.Busy, "verify", "-f", world.File(t, nil)).Says(t, "Deploy has been running since", " by ", "lockstep watch quickstart", "lockstep cancel quickstart")
	if err := deploy.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	left := deploy.End(t)
	if left.Code != world.Detached {
		t.Errorf("Ctrl-C ends with %d:\n%s", left.Code, left.Err)
	}
	left.Says(t, "the operation goes on", "lockstep watch quickstart")
	freeze(syscall.SIGCONT)
	w.Expect(t, world.Done, "watch", world.Environment).Says(t, "Environment quickstart is deployed")
}

func testFailedChange(t *testing.T, w *world.World) {
	w.Deployed(t)
	objects, tags := w.Workloads(t), w.Tags(t)
	said := w.Expect(t, world.RolledBack, "deploy", "-f", world.File(t, crashing()))
	said.Says(t, "step api-manager failed", "CrashLoopBackOff", "nothing.here", "Next:", undoneText)
	if diff := cmp.Diff(objects, w.Workloads(t)); diff != "" {
		t.Errorf("what runs is not what ran:\n%s", diff)
	}
	if diff := cmp.Diff(tags, w.Tags(t)); diff != "" {
		t.Error(diff)
	}
	w.Expect(t, world.Done, "verify", "-f", world.File(t, nil)).Says(t, "refuses the token once Identity Server revoked it")
	w.NothingOfVerification(t)
}

// testForeignTenant puts something of somebody else beside the gateway's controller, which then goes alone.
func testForeignTenant(t *testing.T, w *world.World) {
	w.Deployed(t)
	const theirs = "envoy-gateway-system"
	if _, err := w.Cluster.CreateSecret(t.Context(), theirs, "theirs", corev1.SecretTypeOpaque, nil, nil); err != nil {
		t.Fatal(err)
	}
	w.Expect(t, world.Done, "teardown", "-f", world.File(t, nil)).Says(t, "holds what is not Lockstep's: [Secret envoy-gateway-system/theirs]")
	var left []string
	for _, object := range w.Objects(t) {
		if object.GetNamespace() == theirs && object.GetName() != "kube-root-ca.crt" {
			left = append(left, cluster.RefOf(object).String())
		}
	}
	if diff := cmp.Diff([]string{"Secret envoy-gateway-system/theirs", "ServiceAccount envoy-gateway-system/default"}, left, world.Sorted); diff != "" {
		t.Errorf("beside what is theirs there is:\n%s", diff)
	}
	if err := w.Client(t).CoreV1().Secrets(theirs).Delete(t.Context(), "theirs", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// testTeardown goes on from a torn down environment, or a deployed one.
func testTeardown(t *testing.T, w *world.World) {
	if len(w.Histories(t)) == 0 {
		w.Deployed(t)
	}
	w.Expect(t, world.Done, "teardown", "-f", world.File(t, nil))
	var left []string
	for _, object := range w.Objects(t) {
		if ref := cluster.RefOf(object); mentions(ref, "apim", "envoy", "lockstep", "wso2") &&
			ref.Kind != "CustomResourceDefinition" && ref.Kind != "APIService" && ref.Name != "kube-root-ca.crt" {
			left = append(left, ref.String())
		}
	}
	want := []string{
		"ConfigMap apim/wso2-ca-cert", "Namespace apim", "Secret apim/apim-keystore-secret", "Secret apim/is-keystores",
		"Secret apim/control-plane-https-tls", "Secret apim/gateway-https-tls", "Secret apim/websocket-https-tls", "Secret apim/websub-https-tls", "Secret apim/keymanager-https-tls",
		"Secret apim/lockstep-ca", "Secret apim/lockstep-credentials", "ServiceAccount apim/default",
	}
	if diff := cmp.Diff(want, left, world.Sorted); diff != "" {
		t.Errorf("after a teardown there is:\n%s", diff)
	}
}

// testPurgeBesideAnother has two environments share the gateway, whoever made it.
func testPurgeBesideAnother(t *testing.T, w *world.World) {
	w.Deployed(t)
	second := secondFile(t)
	defer w.Lockstep(t, "teardown", "--purge", "-f", second) // if the test ends before
	w.Expect(t, world.Done, "deploy", "-f", second)
	wantClusters(t, w, true, map[string]string{world.Environment: world.Namespace, "second": testbed.Second})
	w.Absent(t)
	wantClusters(t, w, true, map[string]string{"second": testbed.Second})
	w.Expect(t, world.Done, "verify", "-f", second).Says(t, "refuses the token once Identity Server revoked it")
	w.Expect(t, world.Done, "drift", "-f", second)
	w.Expect(t, world.Done, "teardown", "--purge", "-f", second)
	wantClusters(t, w, false, map[string]string{})
	nothingIsLeft(t, w)
}

// secondFile is another environment on the same cluster.
func secondFile(t *testing.T) string {
	t.Helper()
	return world.File(t, map[string]any{
		"name": "second", "namespace": testbed.Second, "image.target": testbed.Target(t) + "-second",
		"hostnames": map[string]any{
			"management": "am.second.test", "gateway": "gw.second.test", "websocket": "websocket.second.test",
			"websub": "websub.second.test", "keyManager": "km.second.test",
		},
	})
}

func nothingIsLeft(t *testing.T, w *world.World) {
	t.Helper()
	for _, object := range w.Objects(t) {
		if ref := cluster.RefOf(object); mentions(ref, "apim", "envoy", "lockstep", "wso2", "gateway") {
			t.Errorf("after a purge there is %s", ref)
		}
	}
}

func mentions(ref cluster.Ref, words ...string) bool {
	for _, word := range words {
		if strings.Contains(ref.Namespace+"/"+ref.Name, word) {
			return true
		}
	}
	return false
}
