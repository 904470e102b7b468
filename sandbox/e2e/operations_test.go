package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
	"lockstep/workflows"
)

// crashing makes API Manager refuse to start, for a reason that nobody but itself can see.
func crashing() map[string]any {
	return map[string]any{"apiManager.values.wso2.apim.configurations.userStore.type": "$ref{nothing.here}"}
}

func TestOperationsInASandbox(t *testing.T) {
	w := start(t)
	// Each test brings the environment into the state it needs; in this order most find it there.
	for _, test := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"a file with mistakes ends 2 and starts nothing", testBadFile},
		{"a teardown of what is not there is refused", testTeardownOfNothing},
		{"a deployment that preflight refuses touches nothing", testPreflightFailure},
		{"a deployment whose API Manager crashes is undone", testCrash},
		{"a cancelled deployment is undone", testCancel},
		{"a deployment whose revocations never arrive is undone", testLateFailure},
		{"a deployment ends 0 with everything in place and nothing left behind", testDeploy},
		{"a second deployment changes nothing", testSecondDeploy},
		{"an environment has one operation at a time, and Ctrl-C leaves it alone", testBusy},
		{"a change that fails leaves the environment as it worked before", testFailedChange},
		{"no secret is anywhere but in Secrets", testSecrets},
		{"a deployment's history is small", testHistory},
		{"a teardown leaves what others put into the gateway's namespace", testForeignTenant},
		{"a teardown leaves credentials and certificates", testTeardown},
		{"a deployment whose worker is killed ends as one without", testKilledWorker},
		{"a purge leaves nothing", testPurge},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, w) })
	}
}

func testBadFile(t *testing.T, w *world) {
	before := w.run(t)
	said := w.expect(t, badInput, "deploy", "-f", file(t, map[string]any{"hostnames.gateway": "am.lockstep.test", "image.tagret": "x"}))
	said.says(t, "tagret")
	said = w.expect(t, badInput, "deploy", "-f", file(t, map[string]any{"hostnames.gateway": "am.lockstep.test"}))
	said.says(t, "hostnames.gateway", "am.lockstep.test")
	if now := w.run(t); now != before {
		t.Errorf("run %s was started", now)
	}
}

func testTeardownOfNothing(t *testing.T, w *world) {
	w.absent(t)
	before := w.picture(t)
	w.expect(t, failed, "teardown", "-f", file(t, nil)).says(t, `there is nothing of environment "quickstart" in namespace "apim"`, "check")
	if diff := before.differs(w.picture(t)); diff != "" {
		t.Error(diff)
	}
}

const undoneText = "all that this run did is undone"

// undone deploys a file that must fail, and compares the cluster and the registry with how they were.
func undone(t *testing.T, w *world, deploy func() said) said {
	t.Helper()
	before := w.picture(t)
	said := deploy()
	t.Log(said.err)
	if said.code != rolledBack {
		t.Fatalf("ends with %d:\n%s", said.code, said.err)
	}
	if diff := before.differs(w.picture(t)); diff != "" {
		t.Errorf("the cluster is not as before:\n%s", diff)
	}
	return said
}

func testPreflightFailure(t *testing.T, w *world) {
	pushes := len(w.pushes(t))
	said := undone(t, w, func() said {
		return w.lockstep(t, "deploy", "-f", file(t, map[string]any{"image.base": "docker.io/wso2/wso2is:0.0.1"}))
	})
	said.says(t, "step preflight failed", "docker.io/wso2/wso2is:0.0.1", "correct image.base", "nothing had been changed")
	if now := w.pushes(t); len(now) != pushes {
		t.Errorf("pushed: %v", now[pushes:])
	}
}

func testCrash(t *testing.T, w *world) {
	w.absent(t)
	said := undone(t, w, func() said {
		return w.lockstep(t, "deploy", "-f", file(t, crashing()))
	})
	said.says(t, "step api-manager failed", "CrashLoopBackOff", "nothing.here", "Next:", undoneText)
}

func testCancel(t *testing.T, w *world) {
	w.absent(t)
	undone(t, w, func() said {
		deploy := w.begin(t, "deploy", "-f", file(t, nil))
		w.until(t, "identity-server", workflows.StateRunning)
		w.learnSecrets(t)
		w.expect(t, done, "cancel", environment).says(t, "cancelling", "lockstep watch quickstart")
		return deploy.end(t)
	}).says(t, "cancelled", undoneText)
	w.expect(t, rolledBack, "watch", environment).says(t, "cancelled")
	w.expect(t, badInput, "cancel", environment).says(t, "no operation runs")
}

// testLateFailure puts the handler where Identity Server does not look for it: everything works but the revocation.
func testLateFailure(t *testing.T, w *world) {
	w.absent(t)
	undone(t, w, func() said {
		return w.lockstep(t, "deploy", "-f", file(t, map[string]any{
			"timeouts.verify": "25s",
			"image.artifacts": []any{map[string]any{
				"url":         "https://maven.wso2.org/nexus/content/repositories/releases/org/wso2/km/ext/wso2is/wso2is.notification.event.handlers/2.1.3/wso2is.notification.event.handlers-2.1.3.jar",
				"destination": "repository/deployment/",
			}},
		}))
	}).says(t, "step verify failed", "revoked", "dropins", undoneText)
}

// testKilledWorker kills the worker while products boot, and lets another one finish.
func testKilledWorker(t *testing.T, w *world) {
	w.removed(t)
	deploy := w.begin(t, "deploy", "-f", file(t, nil))
	w.until(t, "api-manager", workflows.StateRunning)
	w.stopWorker(t, syscall.SIGKILL)
	w.startWorker(t)
	if said := deploy.end(t); said.code != done {
		t.Fatalf("ends with %d:\n%s", said.code, said.err)
	}
	everythingIsThere(t, w)
	onlyFirstRevisions(t, w)
	nothingOfVerification(t, w)
}

func testBusy(t *testing.T, w *world) {
	w.deployed(t)
	freeze := func(signal syscall.Signal) {
		if err := w.worker.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	freeze(syscall.SIGSTOP) // an operation that stays where it is
	defer freeze(syscall.SIGCONT)
	before := w.run(t)
	deploy := w.begin(t, "deploy", "-f", file(t, nil))
	eventually(t, "the operation has begun", func() bool { return w.run(t) != before })
	w.expect(t, busy, "verify", "-f", file(t, nil)).says(t, "Deploy runs since", " by ", "lockstep watch quickstart", "lockstep cancel quickstart")
	if err := deploy.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	left := deploy.end(t)
	if left.code != detached {
		t.Errorf("Ctrl-C ends with %d:\n%s", left.code, left.err)
	}
	left.says(t, "the operation goes on", "lockstep watch quickstart")
	freeze(syscall.SIGCONT)
	w.expect(t, done, "watch", environment).says(t, "Environment quickstart is deployed")
}

func testFailedChange(t *testing.T, w *world) {
	w.deployed(t)
	objects, tags := w.workloads(t), w.tags(t)
	said := w.expect(t, rolledBack, "deploy", "-f", file(t, crashing()))
	said.says(t, "step api-manager failed", "CrashLoopBackOff", "nothing.here", "Next:", undoneText)
	if diff := cmp.Diff(objects, w.workloads(t)); diff != "" {
		t.Errorf("what runs is not what ran:\n%s", diff)
	}
	if diff := cmp.Diff(tags, w.tags(t)); diff != "" {
		t.Error(diff)
	}
	w.expect(t, done, "verify", "-f", file(t, nil)).says(t, "refuses the token once Identity Server revoked it")
	nothingOfVerification(t, w)
}

// workloads are the specifications of what the releases run, and what configures it.
func (w *world) workloads(t *testing.T) map[string]any {
	t.Helper()
	found := map[string]any{}
	for _, object := range w.objects(t) {
		switch kind := object.GetKind(); {
		case object.GetNamespace() != namespace:
		case kind == "Deployment" || kind == "HTTPRoute":
			found[kind+" "+object.GetName()] = object.Object["spec"]
		case kind == "ConfigMap":
			found[kind+" "+object.GetName()] = object.Object["data"]
		}
	}
	return found
}

// testForeignTenant puts something of somebody else beside the gateway's controller, which then goes alone.
func testForeignTenant(t *testing.T, w *world) {
	w.deployed(t)
	const theirs = "envoy-gateway-system"
	if _, err := w.cluster.CreateSecret(t.Context(), theirs, "theirs", corev1.SecretTypeOpaque, nil, nil); err != nil {
		t.Fatal(err)
	}
	w.expect(t, done, "teardown", "-f", file(t, nil)).says(t, "holds what is not Lockstep's: [Secret envoy-gateway-system/theirs]")
	var left []string
	for _, object := range w.objects(t) {
		if object.GetNamespace() == theirs && object.GetName() != "kube-root-ca.crt" {
			left = append(left, cluster.RefOf(object).String())
		}
	}
	if diff := cmp.Diff([]string{"Secret envoy-gateway-system/theirs", "ServiceAccount envoy-gateway-system/default"}, left, sorted); diff != "" {
		t.Errorf("beside what is theirs there is:\n%s", diff)
	}
	if err := w.Client(t).CoreV1().Secrets(theirs).Delete(t.Context(), "theirs", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// testTeardown goes on from a torn down environment, or a deployed one.
func testTeardown(t *testing.T, w *world) {
	if len(w.histories(t)) == 0 {
		w.deployed(t)
	}
	w.expect(t, done, "teardown", "-f", file(t, nil))
	var left []string
	for _, object := range w.objects(t) {
		if ref := cluster.RefOf(object); mentions(ref, "apim", "envoy", "lockstep", "wso2") &&
			ref.Kind != "CustomResourceDefinition" && ref.Kind != "APIService" && ref.Name != "kube-root-ca.crt" {
			left = append(left, ref.String())
		}
	}
	want := []string{
		"ConfigMap apim/wso2-ca-cert", "Namespace apim", "Secret apim/apim-keystore-secret", "Secret apim/gateway-tls", "Secret apim/is-keystores",
		"Secret apim/lockstep-ca", "Secret apim/lockstep-credentials", "ServiceAccount apim/default",
	}
	if diff := cmp.Diff(want, left, sorted); diff != "" {
		t.Errorf("after a teardown there is:\n%s", diff)
	}
}

func testPurge(t *testing.T, w *world) {
	w.deployed(t)
	w.absent(t)
	for _, object := range w.objects(t) {
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

// logs are what the simulated programs and the worker wrote.
func (w *world) logs(t *testing.T) map[string][]byte {
	t.Helper()
	logs := map[string][]byte{}
	for _, pattern := range []string{"logs/worker.log", "logs/node.log", "pods/*/*/*.log"} {
		files, err := filepath.Glob(filepath.Join(w.Dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if logs[file], err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	return logs
}
