package node_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/utils/ptr"
)

// greeter runs echo with all three probes; configMap, if any, is mounted over its greeting.
func greeter(configMap string) corev1.PodSpec {
	probe := func(handler corev1.ProbeHandler) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: handler, PeriodSeconds: 1, FailureThreshold: 30}
	}
	get := corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromString("http"), Path: "/"}}
	spec := corev1.PodSpec{Containers: []corev1.Container{{
		Name: "echo", Image: "test/echo:1",
		Ports:         []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		Env:           []corev1.EnvVar{{Name: "WHO", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}},
		StartupProbe:  probe(corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/bin/sh", "-c", `timeout 1 bash -c "</dev/tcp/localhost/8080"`}}}),
		LivenessProbe: probe(get), ReadinessProbe: probe(get),
	}}}
	if configMap != "" {
		spec.Volumes = []corev1.Volume{{Name: "greeting", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: configMap},
			Items:                []corev1.KeyToPath{{Key: "text", Path: "greeting.txt"}},
		}}}}
		spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "greeting", MountPath: "/etc/greeting", SubPath: "greeting.txt"}}
	}
	return spec
}

func pod(name string, spec corev1.PodSpec) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
}

func configMap(name, key, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{key: value}}
}

func secret(name, key, value string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{key: value}}
}

func (c *cluster) create(object any) {
	c.Helper()
	var err error
	core := c.client.CoreV1()
	switch object := object.(type) {
	case *corev1.Pod:
		_, err = core.Pods("default").Create(c.ctx, object, metav1.CreateOptions{})
	case *corev1.ConfigMap:
		_, err = core.ConfigMaps("default").Create(c.ctx, object, metav1.CreateOptions{})
	case *corev1.Secret:
		_, err = core.Secrets("default").Create(c.ctx, object, metav1.CreateOptions{})
	}
	if err != nil {
		c.Fatal(err)
	}
}

// eventually polls, since what it looks at is another process's doing.
func (c *cluster) eventually(what string, holds func() bool) {
	c.Helper()
	err := wait.PollUntilContextTimeout(c.ctx, 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		c.Fatalf("waiting for %s: %v", what, err)
	}
}

func (c *cluster) eventuallyWaiting(name, reason, message string) {
	c.Helper()
	c.eventually(reason, func() bool {
		statuses := c.pod(name).Status.ContainerStatuses
		if len(statuses) == 0 || statuses[0].State.Waiting == nil || statuses[0].State.Waiting.Reason != reason {
			return false
		}
		if got := statuses[0].State.Waiting.Message; !strings.Contains(got, message) {
			c.Fatalf("%s: got %q, want %q in it", reason, got, message)
		}
		return true
	})
}

func (c *cluster) eventuallyReady(name string) {
	c.Helper()
	c.eventually("ready", func() bool {
		for _, condition := range c.pod(name).Status.Conditions {
			if condition.Type == corev1.PodReady {
				return condition.Status == corev1.ConditionTrue
			}
		}
		return false
	})
}

func (c *cluster) pod(name string) *corev1.Pod {
	c.Helper()
	found, err := c.client.CoreV1().Pods("default").Get(c.ctx, name, metav1.GetOptions{})
	if err != nil {
		c.Fatal(err)
	}
	return found
}

func (c *cluster) pods(selector string) []corev1.Pod {
	c.Helper()
	found, err := c.client.CoreV1().Pods("default").List(c.ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		c.Fatal(err)
	}
	return found.Items
}

func (c *cluster) only(selector string) *corev1.Pod {
	c.Helper()
	found := c.pods(selector)
	if len(found) != 1 {
		c.Fatalf("%d pods of %s", len(found), selector)
	}
	return &found[0]
}

// events is the last message by reason.
func (c *cluster) events(name string) map[string]string {
	c.Helper()
	found, err := c.client.CoreV1().Events("default").List(c.ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + name})
	if err != nil {
		c.Fatal(err)
	}
	messages := map[string]string{}
	for _, event := range found.Items {
		messages[event.Reason] = event.Message
	}
	return messages
}

func (c *cluster) expectEvents(name string, reasons ...string) {
	c.Helper()
	for _, reason := range reasons {
		c.eventually("event "+reason, func() bool { return c.events(name)[reason] != "" })
	}
}

func (c *cluster) log(name string, previous bool) string {
	c.Helper()
	text, err := c.client.CoreV1().Pods("default").GetLogs(name, &corev1.PodLogOptions{Previous: previous}).DoRaw(c.ctx)
	if err != nil {
		c.Errorf("log of %s: %v", name, err)
	}
	return string(text)
}

// followLog is the first line of the log of a container that goes on running.
func (c *cluster) followLog(name string) string {
	c.Helper()
	stream, err := c.client.CoreV1().Pods("default").GetLogs(name, &corev1.PodLogOptions{Follow: true, TailLines: ptr.To[int64](1)}).Stream(c.ctx)
	if err != nil {
		c.Fatal(err)
	}
	defer stream.Close()
	line, err := bufio.NewReader(stream).ReadString('\n')
	if err != nil {
		c.Fatal(err)
	}
	return line
}

func (c *cluster) exec(name string, command ...string) string {
	c.Helper()
	url := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name(name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	executor, err := remotecommand.NewSPDYExecutor(c.config, http.MethodPost, url)
	if err != nil {
		c.Fatal(err)
	}
	var output, problems bytes.Buffer
	if err := executor.StreamWithContext(c.ctx, remotecommand.StreamOptions{Stdout: &output, Stderr: &problems}); err != nil {
		c.Fatalf("exec %v: %v\n%s", command, err, &problems)
	}
	return output.String()
}

// get gets / of a pod's port by port-forward.
func (c *cluster) get(name string, port int) string {
	c.Helper()
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		c.Fatal(err)
	}
	url := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name(name).SubResource("portforward").URL()
	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.New(spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url), []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		c.Fatal(err)
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	defer func() { close(stop); <-ended }()
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		c.Fatalf("port-forward: %v", err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		c.Fatal(err)
	}
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local))
	if err != nil {
		c.Fatalf("by port-forward: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	return string(body)
}

func loopback(pod *corev1.Pod) string {
	return "127" + strings.TrimPrefix(pod.Status.PodIP, "10")
}
