package diagnosis

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/readiness"
	"lockstep/test/world"
)

// server is a product's image.
const server = "docker.io/wso2/wso2is:7.2.0"

// ofPods are what goes wrong with pods of a Deployment, once it is there.
func ofPods() []provocation {
	return []provocation{
		{"Image not found", func(t *testing.T, l *lab) string {
			return l.broken(t, "image-missing", image("registry.lockstep.test/nothing:1"))
		}},
		{"Image refused", func(t *testing.T, l *lab) string {
			return l.broken(t, "image-refused", image("registry.lockstep.test/refused/program:1"))
		}},
		{"Image for another platform", foreignPlatform},
		{"Image name is none", func(t *testing.T, l *lab) string {
			return l.broken(t, "image-name", image("registry.lockstep.test/Program:1"))
		}},
		{"Registry does not answer the nodes", func(t *testing.T, l *lab) string {
			return l.broken(t, "image-overloaded", image("registry.lockstep.test/overloaded/program:1"))
		}},
		{"Program crashes when it starts", func(t *testing.T, l *lab) string {
			return l.broken(t, "crash", func(_ *appsv1.Deployment, c *corev1.Container) {
				c.Image, c.Env = server, []corev1.EnvVar{{Name: "WSO2_SERVER_HOME", Value: "/nowhere"}}
			})
		}},
		{"Program runs out of memory", outOfMemory},
		{"Deployment is scaled to 0", func(t *testing.T, l *lab) string {
			return l.broken(t, "scaled", func(d *appsv1.Deployment, _ *corev1.Container) { d.Spec.Replicas = new(int32) })
		}},
		{"Liveness probe fails", func(t *testing.T, l *lab) string {
			return l.broken(t, "liveness", func(_ *appsv1.Deployment, c *corev1.Container) {
				c.LivenessProbe, c.ReadinessProbe = probe(9999, 2), probe(9999, 3)
			})
		}},
		{"Readiness never comes", func(t *testing.T, l *lab) string {
			return l.broken(t, "readiness", func(_ *appsv1.Deployment, c *corev1.Container) { c.ReadinessProbe = probe(9999, 3) })
		}},
		{"Secret of a variable is missing", func(t *testing.T, l *lab) string { return l.broken(t, "variable", variable) }},
		{"Secret of a volume is missing", func(t *testing.T, l *lab) string {
			return l.broken(t, "mount", volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "is-keystores"}}))
		}},
		{"No node has room", func(t *testing.T, l *lab) string {
			return l.broken(t, "room", func(_ *appsv1.Deployment, c *corev1.Container) {
				c.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1000")}
			})
		}},
		{"No node fits", func(t *testing.T, l *lab) string {
			return l.broken(t, "selector", func(d *appsv1.Deployment, _ *corev1.Container) {
				d.Spec.Template.Spec.NodeSelector = map[string]string{"disk": "fast"}
			})
		}},
		{"No node is ready", func(t *testing.T, l *lab) string {
			l.lostNode(t, "lost-1")
			return l.broken(t, "not-ready", func(d *appsv1.Deployment, _ *corev1.Container) {
				d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelHostname: "lost-1"}
			})
		}},
		{"Node of a pod is not ready", func(t *testing.T, l *lab) string {
			l.lostNode(t, "lost-2")
			return l.broken(t, "lost", func(d *appsv1.Deployment, _ *corev1.Container) { d.Spec.Template.Spec.NodeName = "lost-2" })
		}},
		{"Node refuses the pod", func(t *testing.T, l *lab) string {
			return l.broken(t, "apparmor", func(d *appsv1.Deployment, _ *corev1.Container) {
				profile := &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeRuntimeDefault}
				d.Spec.Template.Spec.SecurityContext = &corev1.PodSecurityContext{AppArmorProfile: profile}
			})
		}},
		{"Rollout is paused", func(t *testing.T, l *lab) string {
			return l.broken(t, "paused", func(d *appsv1.Deployment, _ *corev1.Container) { d.Spec.Paused = true })
		}},
		{"Hook Job fails", hookFails},
	}
}

func image(name string) func(*appsv1.Deployment, *corev1.Container) {
	return func(_ *appsv1.Deployment, c *corev1.Container) { c.Image = name }
}

func volume(source corev1.VolumeSource) func(*appsv1.Deployment, *corev1.Container) {
	return func(d *appsv1.Deployment, c *corev1.Container) {
		d.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: source}}
		c.VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	}
}

func variable(_ *appsv1.Deployment, c *corev1.Container) {
	c.Env = []corev1.EnvVar{{Name: "ADMIN_PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "lockstep-credentials"}, Key: "adminPassword"}}}}
}

// foreignPlatform pushes an image that no machine here runs.
func foreignPlatform(t *testing.T, l *lab) string {
	ref, err := name.ParseReference(l.Sandbox().Registry+"/elsewhere:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: empty.Image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}})
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	return l.broken(t, "image-platform", image("registry.lockstep.test/elsewhere:1"))
}

// outOfMemory plays the kubelet of a node that does not exist: the sandbox's programs have no memory limit.
func outOfMemory(t *testing.T, l *lab) string {
	l.deploy(t, l.namespace(t, "memory", nil), func(d *appsv1.Deployment, c *corev1.Container) {
		d.Spec.Template.Spec.NodeName = "played"
		c.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("3Gi")}
	})
	pods := l.Client(t).CoreV1().Pods("memory")
	world.Eventually(t, "the pod's end is played", func() bool {
		list, err := pods.List(t.Context(), metav1.ListOptions{})
		if err != nil || len(list.Items) == 0 {
			return false
		}
		pod := &list.Items[0]
		pod.Status.Phase = corev1.PodRunning
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionFalse}}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Image: "x", RestartCount: 1,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 137, Reason: "OOMKilled", FinishedAt: metav1.Now(), ContainerID: "played://1"}}}}
		_, err = pods.UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
		return err == nil
	})
	return l.problem(t, "memory")
}

// lostNode makes a node whose kubelet does not answer.
func (l *lab) lostNode(t *testing.T, name string) {
	t.Helper()
	nodes := l.Client(t).CoreV1().Nodes()
	// The taint is there before the node controller's: no other provocation's pod may come here.
	node, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}},
		Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule}, {Key: "example.com/lost", Effect: corev1.TaintEffectNoSchedule}}}},
		metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nodes.Delete(t.Context(), name, metav1.DeleteOptions{}) })
	room := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("10")}
	world.Eventually(t, "the node says that it is not ready", func() bool {
		if node, err = nodes.Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			return false
		}
		node.Status.Capacity, node.Status.Allocatable = room, room
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady",
			Message: "container runtime network not ready", LastTransitionTime: metav1.Now(), LastHeartbeatTime: metav1.Now()}}
		_, err = nodes.UpdateStatus(t.Context(), node, metav1.UpdateOptions{})
		return err == nil
	})
}

// hookFails runs a Job as a chart's hook makes it; the wait for hooks asks the same question every other second.
func hookFails(t *testing.T, l *lab) string {
	namespace := l.namespace(t, "hook", nil)
	world.Eventually(t, "the namespace has its account", func() bool {
		_, err := l.Client(t).CoreV1().ServiceAccounts(namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "certgen"}, Spec: batchv1.JobSpec{
		BackoffLimit: new(int32),
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(bool),
			Containers: []corev1.Container{{Name: "certgen", Image: "docker.io/envoyproxy/gateway:v1.7.0", Args: []string{"certify"}}}}},
	}}
	if _, err := l.Client(t).BatchV1().Jobs(namespace).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var err error
	world.Eventually(t, "the hook has failed", func() bool {
		err = readiness.LookAtJob(t.Context(), l.Cluster, namespace, job.Name)
		return err != nil
	})
	return diagnosed(t, err)
}
