package node

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	corev1 "k8s.io/api/core/v1"

	"lockstep/sandbox/node/image"
)

func TestTheCommandLineIsTheContainerRuntimes(t *testing.T) {
	from := image.Image{Config: v1.Config{Entrypoint: []string{"/entrypoint.sh"}, Cmd: []string{"start"}}}
	for _, test := range []struct {
		name          string
		command, args []string
		want          []string
	}{
		{"image alone", nil, nil, []string{"/entrypoint.sh", "start"}},
		{"args replace the image's", nil, []string{"$(MODE)"}, []string{"/entrypoint.sh", "debug"}},
		{"a command drops the image's arguments", []string{"/bin/server"}, nil, []string{"/bin/server"}},
		{"both", []string{"/bin/server"}, []string{"-x"}, []string{"/bin/server", "-x"}},
	} {
		got := commandLine(corev1.Container{Command: test.command, Args: test.args}, from, map[string]string{"MODE": "debug"})
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestThePhaseSumsUpContainersAsAKubeletDoes(t *testing.T) {
	var (
		created = corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}}
		running = corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
		done    = corev1.ContainerStatus{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}
		failed  = corev1.ContainerStatus{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}}
		backing = corev1.ContainerStatus{State: created.State, LastTerminationState: failed.State}
	)
	type list = []corev1.ContainerStatus
	for _, test := range []struct {
		name       string
		policy     corev1.RestartPolicy
		init, main list
		want       corev1.PodPhase
	}{
		{"nothing started", corev1.RestartPolicyAlways, nil, list{created}, corev1.PodPending},
		{"one of two started", corev1.RestartPolicyAlways, nil, list{created, running}, corev1.PodPending},
		{"running", corev1.RestartPolicyAlways, nil, list{running}, corev1.PodRunning},
		{"in back-off", corev1.RestartPolicyAlways, nil, list{backing}, corev1.PodRunning},
		{"done but to be restarted", corev1.RestartPolicyAlways, nil, list{done}, corev1.PodRunning},
		{"init container runs", corev1.RestartPolicyAlways, list{running}, list{created}, corev1.PodPending},
		{"init container failed for good", corev1.RestartPolicyNever, list{failed}, list{created}, corev1.PodFailed},
		{"init container to be tried again", corev1.RestartPolicyOnFailure, list{failed}, list{created}, corev1.PodPending},
		{"job done", corev1.RestartPolicyNever, list{done}, list{done}, corev1.PodSucceeded},
		{"job failed", corev1.RestartPolicyNever, nil, list{done, failed}, corev1.PodFailed},
		{"job to be tried again", corev1.RestartPolicyOnFailure, nil, list{failed}, corev1.PodRunning},
	} {
		if got := phase(test.policy, test.init, test.main); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestBackOffDoublesToFiveMinutesAndForgetsAfterTen(t *testing.T) {
	var crashes backOff
	var got []time.Duration
	for range 8 {
		got = append(got, crashes.crash(time.Second))
	}
	got = append(got, crashes.crash(11*time.Minute), crashes.crash(time.Second))
	want := []time.Duration{0, 10e9, 20e9, 40e9, 80e9, 160e9, 300e9, 300e9, 0, 10e9}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	var pulls backOff
	if first, second := pulls.pull(), pulls.pull(); first != 10*time.Second || second != 20*time.Second {
		t.Errorf("pulls wait %s, %s", first, second)
	}
}

func TestAReleasedAddressIsNotTheNextOneTaken(t *testing.T) {
	pool := newAddresses(7)
	first, err := pool.take("")
	if err != nil || first.String() != "10.7.1.1" {
		t.Fatalf("got %s, %v", first, err)
	}
	pool.release(first)
	for preferred, want := range map[string]string{"": "10.7.1.2", "10.7.3.9": "10.7.3.9"} {
		if got, err := pool.take(preferred); err != nil || got.String() != want {
			t.Errorf("preferring %q: got %s, %v, want %s", preferred, got, err, want)
		}
	}
	for _, preferred := range []string{"10.7.3.9", "10.8.1.1", "10.7.255.1", "10.7.0.1"} {
		if got, err := pool.take(preferred); err != nil || got.String() == preferred {
			t.Errorf("%s was given out (%v)", preferred, err)
		}
	}
}

func TestAPodThatWantsAppArmorIsRefused(t *testing.T) {
	profile := func(kind corev1.AppArmorProfileType) *corev1.SecurityContext {
		return &corev1.SecurityContext{AppArmorProfile: &corev1.AppArmorProfile{Type: kind}}
	}
	for kind, want := range map[corev1.AppArmorProfileType]string{
		corev1.AppArmorProfileTypeRuntimeDefault: "AppArmor", corev1.AppArmorProfileTypeUnconfined: "",
	} {
		object := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{SecurityContext: profile(kind)}}}}
		if got := admit(object).Reason; got != want {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
	}
	annotated := &corev1.Pod{}
	annotated.Annotations = map[string]string{"container.apparmor.security.beta.kubernetes.io/wso2is": "runtime/default"}
	if admit(annotated).Reason != "AppArmor" {
		t.Error("the annotation is not seen")
	}
}
