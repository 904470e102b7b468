package sandboxtest

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/sandbox/process"
	"lockstep/sandbox/supervisor"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestTheSharedSandboxIsStartedOnce(t *testing.T) {
	first := Shared(t, Options{Args: []string{"--no-temporal"}})
	if second := Shared(t, Options{Args: []string{"--no-temporal"}}); second != first {
		t.Errorf("%s is another sandbox than %s", second.Dir, first.Dir)
	}
	if _, err := first.Client(t).Discovery().ServerVersion(); err != nil {
		t.Error(err)
	}
}

func TestASandboxIsWholeAndGoesWithoutATrace(t *testing.T) {
	s := Up(t, Options{})
	ctx := context.Background()

	version, err := s.Client(t).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.GitVersion != "v1.35.4" {
		t.Errorf("the API server says it is %s", version.GitVersion)
	}
	nodes, err := s.Client(t).CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes.Items) != 1 {
		t.Errorf("%d nodes, want one", len(nodes.Items))
	}
	for _, url := range []string{
		s.UI,
		s.Mirrors()["helm.wso2.com"] + "/index.yaml",
		"http://" + s.Registry + "/v2/envoyproxy/gateway-helm/manifests/v1.7.0",
		"http://" + s.Registry + "/v2/envoyproxy/gateway-helm/manifests/v1.9.0",
		"http://" + s.Registry + "/v2/wso2/wso2is/manifests/7.2.0",
	} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %s", url, resp.Status)
		}
	}
	if out := s.run(t, "up"); !strings.Contains(string(out), "up already") {
		t.Errorf("a second up says:\n%s", out)
	}

	startPod(t, s)

	s.run(t, "down")
	for _, p := range append(s.Processes, s.Supervisor) {
		if p.Alive() {
			t.Errorf("%s is still running after down", p.Name)
		}
	}
	if left := running(t, s.Dir); len(left) > 0 {
		t.Errorf("processes of the sandbox after down:\n%s", strings.Join(left, "\n"))
	}
	state, err := supervisor.Status(s.Dir)
	if err != nil || state.Phase != supervisor.Down {
		t.Errorf("status after down: %v, %v", state.Phase, err)
	}
	s.run(t, "down", "--purge") // of nothing: no error
	if left, err := os.ReadDir(s.Dir); err == nil {
		t.Errorf("left on disk: %v", left)
	}
}

func TestALostProgramIsStartedAgainAndAKilledSupervisorTakesAllWithIt(t *testing.T) {
	s := Up(t, Options{Args: []string{"--no-temporal"}})
	other := Shared(t, Options{Args: []string{"--no-temporal"}}) // beside it, and unharmed
	if other.Instance == s.Instance {
		t.Fatalf("two sandboxes are instance %d", s.Instance)
	}
	loses(t, s)
	startPod(t, s)
	if err := syscall.Kill(s.Supervisor.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every process has gone", func() bool { return len(running(t, s.Dir)) == 0 && !s.Supervisor.Alive() })
	state, err := supervisor.Status(s.Dir)
	if err != nil || state.Phase != supervisor.Dead {
		t.Errorf("status of a killed sandbox: %v, %v", state.Phase, err)
	}
	s.run(t, "up", "--no-temporal")
	if _, err := s.Client(t).Discovery().ServerVersion(); err != nil {
		t.Error(err)
	}
	if !other.Supervisor.Alive() {
		t.Error("the other sandbox went too")
	}
}

// holds is the file in which this test, in a process of its own, tells where its sandbox is; that process is killed then.
const holds = "SANDBOXTEST_HOLDS"

func TestTheSandboxOfAKilledTestGoes(t *testing.T) {
	if file := os.Getenv(holds); file != "" {
		s := Up(t, Options{Args: []string{"--no-temporal"}})
		if err := os.WriteFile(file, []byte(s.Dir), 0o600); err != nil {
			t.Fatal(err)
		}
		<-t.Context().Done()
	}
	Bin(t, programs()...)
	file := filepath.Join(t.TempDir(), "holds")
	test := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	test.Env = append(os.Environ(), holds+"="+file)
	if err := process.StartChild(test); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = test.Process.Kill() })
	var dir []byte
	eventually(t, "the sandbox is up", func() bool { dir, _ = os.ReadFile(file); return len(dir) > 0 })
	t.Cleanup(func() { _ = os.RemoveAll(string(dir)) })
	if err := test.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = test.Wait()
	eventually(t, "every process has gone", func() bool { return len(running(t, string(dir))) == 0 })
	left, err := os.ReadDir(string(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if name := entry.Name(); name != "logs" && name != "sandbox.lock" {
			t.Errorf("%s is left", name)
		}
	}
}

// loses kills the API server of a sandbox: another one is started.
func loses(t *testing.T, s *Sandbox) {
	t.Helper()
	find := func() process.ID {
		state, err := supervisor.Status(s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range state.Processes {
			if p.Name == "kube-apiserver" {
				return p
			}
		}
		return process.ID{}
	}
	lost := find()
	if err := syscall.Kill(lost.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another API server answers", func() bool {
		_, err := s.Client(t).Discovery().ServerVersion()
		return err == nil && find() != lost
	})
}

func TestAPartThatDoesNotStartIsNamedWithTheEndOfItsLog(t *testing.T) {
	real := Bin(t, programs()...)
	bin, dir := t.TempDir(), t.TempDir()
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kwok", "charts"} {
		if err := os.Symlink(filepath.Join(real, name), filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	up := func() string {
		out, err := exec.Command(filepath.Join(real, "sandbox"), "up", "--dir", dir, "--bin", bin, "--no-temporal").CombinedOutput()
		if err == nil {
			t.Fatalf("up worked:\n%s", out)
		}
		return string(out)
	}
	if out := up(); !strings.Contains(out, "has no kube-scheduler; run `make tools`") {
		t.Errorf("without a program up says:\n%s", out)
	}
	script := "#!/bin/sh\necho the scheduler is out of order\nexit 3\n"
	if err := os.WriteFile(filepath.Join(bin, "kube-scheduler"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	out := up()
	for _, want := range []string{"kube-scheduler ended (exit status 3)", "the scheduler is out of order"} {
		if !strings.Contains(out, want) {
			t.Errorf("up does not say %q:\n%s", want, out)
		}
	}
	if left := running(t, dir); len(left) > 0 {
		t.Errorf("processes left by a failed up:\n%s", strings.Join(left, "\n"))
	}
}

// startPod runs a pod of a simulated program and returns when its process has been seen. Without the kinds it wants to watch, the
// program crashes soon and is started again.
func startPod(t *testing.T, s *Sandbox) {
	t.Helper()
	pods := s.Client(t).CoreV1().Pods("default")
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "controller"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{
			{Name: "controller", Image: "docker.io/envoyproxy/gateway:v1.7.0", Args: []string{"server"}}, // without, it ends at once
		}},
	}
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pod has had a process", func() bool {
		now, err := pods.Get(t.Context(), pod.Name, metav1.GetOptions{})
		ran := err == nil && len(now.Status.ContainerStatuses) > 0 && now.Status.ContainerStatuses[0].ContainerID != ""
		return ran || len(simulated(t, s.Dir)) > 0
	})
}

func simulated(t *testing.T, dir string) []string {
	return slices.DeleteFunc(running(t, dir), func(command string) bool { return !strings.Contains(command, " simulate ") })
}

// running returns the command lines of the processes that have dir in theirs or in their environment.
func running(t *testing.T, dir string) []string {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range processes {
		command, err := os.ReadFile(filepath.Join(p, "cmdline"))
		if err != nil {
			continue // it has gone
		}
		environment, err := os.ReadFile(filepath.Join(p, "environ"))
		if err == nil && strings.Contains(string(command)+string(environment), dir) {
			found = append(found, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}

// limit is for a watch that the API server refuses while it starts: client-go asks again after up to 30 seconds.
const limit = 90 * time.Second

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(limit); !holds(); {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
