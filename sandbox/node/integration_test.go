package node_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lockstep/sandbox/node"
	"lockstep/sandbox/simulate"
)

// TestPodsLiveAsOnARealNode is one test for one control plane; its parts run side by side.
func TestPodsLiveAsOnARealNode(t *testing.T) {
	c := startCluster(t)
	t.Run("together", func(t *testing.T) {
		for name, test := range map[string]func(*cluster){
			"a deployment becomes ready, logs, is reached, and ends with its pod":        (*cluster).serves,
			"a missing image is ErrImagePull":                                            (*cluster).missesImage,
			"an image of no simulated program says so":                                   (*cluster).refusesImage,
			"a crash is CrashLoopBackOff with the log of the last run":                   (*cluster).crashes,
			"a job completes after its init container":                                   (*cluster).completes,
			"a missing secret is FailedMount until it is there":                          (*cluster).awaitsSecret,
			"a missing key in the environment is CreateContainerConfigError":             (*cluster).awaitsKey,
			"a failing liveness probe restarts and a failing readiness probe is told of": (*cluster).probes,
			"a load balancer has an address that reaches the pods":                       (*cluster).balances,
			"AppArmor is refused": (*cluster).refusesAppArmor,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(&cluster{T: t, ctx: c.ctx, client: c.client, config: c.config, dir: c.dir})
			})
		}
	})
	t.Run("pods are taken up again by a node that was stopped", func(t *testing.T) {
		restarted := *c
		restarted.T = t
		restarted.survivesRestart()
		c.stopNode = restarted.stopNode
	})
}

func (c *cluster) survivesRestart() {
	before := c.pod("awaits-key")
	c.stopNode()
	if conn, err := net.Dial("tcp", loopback(before)+":8080"); err == nil {
		conn.Close()
		c.Error("a program outlives the node")
	}
	c.startNode()
	c.eventually("restart", func() bool { return c.pod("awaits-key").Status.ContainerStatuses[0].RestartCount == 1 })
	c.eventuallyReady("awaits-key")
	if after := c.pod("awaits-key"); after.Status.PodIP != before.Status.PodIP || after.UID != before.UID {
		c.Errorf("the pod was %s at %s, and is %s at %s", before.UID, before.Status.PodIP, after.UID, after.Status.PodIP)
	}
	if got := c.get("awaits-key", 8080); !strings.Contains(got, "to everyone") {
		c.Errorf("got %q", got)
	}
}

func (c *cluster) serves() {
	c.create(configMap("greeting", "text", "good day"))
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "serves"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "serves"}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "serves"}}, Spec: greeter("greeting")},
		},
	}
	if _, err := c.client.AppsV1().Deployments("default").Create(c.ctx, deployment, metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
	c.eventually("available", func() bool {
		found, err := c.client.AppsV1().Deployments("default").Get(c.ctx, "serves", metav1.GetOptions{})
		return err == nil && found.Status.AvailableReplicas == 1
	})
	pod := c.only("app=serves")
	if !strings.HasPrefix(pod.Status.ContainerStatuses[0].ImageID, "docker.io/test/echo@sha256:") {
		c.Errorf("image id %q", pod.Status.ContainerStatuses[0].ImageID)
	}
	if log := c.log(pod.Name, false); !strings.Contains(log, "simulated echo runs /home/echo/bin/echo.sh") {
		c.Errorf("log %q", log)
	}
	if got, want := c.get(pod.Name, 8080), "good day to default from "+pod.Name; got != want {
		c.Errorf("by port-forward: got %q, want %q", got, want)
	}
	if got := c.exec(pod.Name, "cat", "etc/greeting"); got != "good day" {
		c.Errorf("by exec: got %q", got)
	}
	if line := c.followLog(pod.Name); !strings.HasPrefix(line, "simulated echo runs") {
		c.Errorf("first line of the followed log: %q", line)
	}
	c.expectEvents(pod.Name, "Scheduled", "Pulled", "Created", "Started")

	if err := c.client.AppsV1().Deployments("default").Delete(c.ctx, "serves", metav1.DeleteOptions{}); err != nil {
		c.Fatal(err)
	}
	c.eventually("gone", func() bool { return len(c.pods("app=serves")) == 0 })
	if conn, err := net.Dial("tcp", loopback(pod)+":8080"); err == nil {
		conn.Close()
		c.Error("the program outlives its pod")
	}
	if _, err := os.Stat(filepath.Join(c.dir, "pods", string(pod.UID))); !os.IsNotExist(err) {
		c.Errorf("files of the pod: %v", err)
	}
}

func (c *cluster) missesImage() {
	spec := greeter("")
	spec.Containers[0].Image = "registry.example.com/test/echo:2"
	c.create(pod("missing-image", spec))
	c.eventuallyWaiting("missing-image", "ErrImagePull", `"registry.example.com/test/echo:2": registry.example.com/test/echo:2: not found`)
	c.eventuallyWaiting("missing-image", "ImagePullBackOff", `Back-off pulling image "registry.example.com/test/echo:2": ErrImagePull: `)
	c.expectEvents("missing-image", "Failed", "BackOff")
}

func (c *cluster) refusesImage() {
	spec := greeter("")
	spec.Containers[0].Image = "test/plain:1"
	c.create(pod("plain-image", spec))
	c.eventuallyWaiting("plain-image", "ErrImagePull", "runs simulated programs only")
}

func (c *cluster) crashes() {
	spec := greeter("")
	spec.Containers[0].Args = []string{"crash"}
	c.create(pod("crashes", spec))
	c.eventuallyWaiting("crashes", "CrashLoopBackOff", "restarting failed container=echo pod=crashes_default(")
	status := c.pod("crashes").Status.ContainerStatuses[0]
	if ended := status.LastTerminationState.Terminated; ended == nil || ended.ExitCode != 1 || ended.Reason != "Error" || status.RestartCount == 0 {
		c.Errorf("status %+v", status)
	}
	for _, previous := range []bool{false, true} {
		// The present run may just have begun.
		c.eventually("log", func() bool { return strings.Contains(c.log("crashes", previous), "echo: as asked for") })
	}
	c.expectEvents("crashes", "BackOff")
}

func (c *cluster) completes() {
	spec := greeter("")
	spec.RestartPolicy = corev1.RestartPolicyNever
	spec.Containers[0].Args = []string{"once"}
	first := *spec.Containers[0].DeepCopy()
	first.Ports = nil
	first.Name, first.ReadinessProbe, first.LivenessProbe, first.StartupProbe = "first", nil, nil, nil
	spec.InitContainers = []corev1.Container{first}
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "once"}, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec}}}
	if _, err := c.client.BatchV1().Jobs("default").Create(c.ctx, job, metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
	c.eventually("complete", func() bool {
		found, err := c.client.BatchV1().Jobs("default").Get(c.ctx, "once", metav1.GetOptions{})
		return err == nil && found.Status.Succeeded == 1
	})
	done := c.only("job-name=once")
	if done.Status.Phase != corev1.PodSucceeded || done.Status.InitContainerStatuses[0].State.Terminated == nil {
		c.Errorf("status %+v", done.Status)
	}
}

func (c *cluster) awaitsSecret() {
	spec := greeter("")
	spec.Volumes = []corev1.Volume{{Name: "stores", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "late"}}}}
	spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "stores", MountPath: "/etc/greeting", SubPath: "greeting"}}
	c.create(pod("awaits-secret", spec))
	c.eventually("FailedMount", func() bool {
		return strings.Contains(c.events("awaits-secret")["FailedMount"], `MountVolume.SetUp failed for volume "stores" : secret "late" not found`)
	})
	c.create(secret("late", "greeting", "at last"))
	c.eventuallyReady("awaits-secret")
	if got := c.get("awaits-secret", 8080); !strings.HasPrefix(got, "at last") {
		c.Errorf("got %q", got)
	}
}

func (c *cluster) awaitsKey() {
	spec := greeter("")
	spec.Containers[0].Env = []corev1.EnvVar{{Name: "WHO", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "who"}, Key: "name",
	}}}}
	c.create(pod("awaits-key", spec))
	c.eventuallyWaiting("awaits-key", "CreateContainerConfigError", `secret "who" not found`)
	c.create(secret("who", "name", "everyone"))
	c.eventuallyReady("awaits-key")
	if got := c.get("awaits-key", 8080); !strings.Contains(got, "to everyone") {
		c.Errorf("got %q", got)
	}
}

func (c *cluster) probes() {
	spec := greeter("")
	spec.Containers[0].LivenessProbe = &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/bin/sh", "-c", "nc -z localhost 9999"}}},
		PeriodSeconds:    1,
		FailureThreshold: 5,
	}
	spec.Containers[0].ReadinessProbe = &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(9999), Path: "/health", Scheme: corev1.URISchemeHTTPS}},
		PeriodSeconds: 1,
	}
	c.create(pod("probes", spec))
	c.eventually("restart", func() bool {
		statuses := c.pod("probes").Status.ContainerStatuses
		return len(statuses) == 1 && statuses[0].RestartCount > 0 && !statuses[0].Ready
	})
	c.expectEvents("probes", "Unhealthy", "Killing")
}

func (c *cluster) balances() {
	spec := greeter("")
	balanced := pod("balanced", spec)
	balanced.Labels = map[string]string{"app": "balanced"}
	c.create(balanced)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "balanced"},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer, Selector: map[string]string{"app": "balanced"},
			Ports: []corev1.ServicePort{{Port: 8888, TargetPort: intstr.FromString("http")}},
		},
	}
	if _, err := c.client.CoreV1().Services("default").Create(c.ctx, service, metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
	c.eventually("an answer", func() bool {
		response, err := http.Get(fmt.Sprintf("http://127.%d.255.1:8888/", testInstance))
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return strings.HasSuffix(string(body), "from balanced")
	})
	found, err := c.client.CoreV1().Services("default").Get(c.ctx, "balanced", metav1.GetOptions{})
	if err != nil || found.Status.LoadBalancer.Ingress[0].IP != fmt.Sprintf("10.%d.255.1", testInstance) {
		c.Errorf("status %+v, %v", found.Status, err)
	}
	env := simulate.Env{Listen: fmt.Sprintf("127.%d.1.1", testInstance), DNS: node.DNSAddress(testInstance), Namespace: "default"}
	targets, err := env.Resolve(c.ctx, "balanced:8888")
	if want := loopback(c.pod("balanced")) + ":28080"; err != nil || len(targets) != 1 || targets[0] != want {
		c.Errorf("resolved %v, %v; want %s", targets, err, want)
	}
}

func (c *cluster) refusesAppArmor() {
	spec := greeter("")
	spec.SecurityContext = &corev1.PodSecurityContext{AppArmorProfile: &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeRuntimeDefault}}
	c.create(pod("apparmor", spec))
	c.eventually("rejection", func() bool {
		status := c.pod("apparmor").Status
		return status.Phase == corev1.PodFailed && status.Reason == "AppArmor"
	})
}
