package diagnosis

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lockstep/activities"
	"lockstep/config/environments"
	"lockstep/internal/attempt"
	"lockstep/internal/diagnosis"
	"lockstep/internal/failure"
	"lockstep/internal/readiness"
	"lockstep/test/world"
)

// far is a time limit that none of the waits reaches.
const far = 15 * time.Minute

// pace lets states last a tenth of the time that they may on a real cluster: its node takes a quarter of the time for everything.
const pace = 10

// namespace makes one of the provocation's own.
func (l *lab) namespace(t *testing.T, name string, labels map[string]string) string {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if _, err := l.Client(t).CoreV1().Namespaces().Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

const workload = "program"

// deploy makes a Deployment whose one container is a program that starts, runs and becomes ready, changed by edit.
func (l *lab) deploy(t *testing.T, namespace string, edit func(*appsv1.Deployment, *corev1.Container)) {
	t.Helper()
	labels := map[string]string{"app": workload}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: workload}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(bool), TerminationGracePeriodSeconds: new(int64),
			Containers: []corev1.Container{{
				Name: "main", Image: "docker.io/lockstep/program:1", Args: []string{"--service-cluster", namespace + "/none"},
				StartupProbe:   probe(19003, 30),
				ReadinessProbe: probe(19003, 3),
			}},
		}},
	}}
	edit(deployment, &deployment.Spec.Template.Spec.Containers[0])
	deployments := l.Client(t).AppsV1().Deployments(namespace)
	if _, err := deployments.Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = deployments.Delete(context.Background(), workload, metav1.DeleteOptions{}) })
}

func probe(port int, threshold int32) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt(port)}}, PeriodSeconds: 1, FailureThreshold: threshold}
}

// wait waits for the workload as the step of API Manager does.
func (l *lab) wait(t *testing.T, namespace string, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return readiness.Deployment(ctx, l.Cluster, namespace, workload, func(text string) { t.Log(text) },
		readiness.ValuesAt("apiManager.values.wso2.deployment"), readiness.LimitedBy("timeouts.apiManager", far), readiness.Pace(pace))
}

// problem waits for a workload that cannot become ready.
func (l *lab) problem(t *testing.T, namespace string) string {
	t.Helper()
	return diagnosed(t, l.wait(t, namespace, far))
}

// broken deploys a workload that cannot become ready in a namespace of its own.
func (l *lab) broken(t *testing.T, namespace string, edit func(*appsv1.Deployment, *corev1.Container)) string {
	t.Helper()
	l.deploy(t, l.namespace(t, namespace, nil), edit)
	return l.problem(t, namespace)
}

// diagnosed is the text of a diagnosis.
func diagnosed(t *testing.T, err error) string {
	t.Helper()
	found, _ := failure.As(err)
	if found == nil || found.Reason == "" || found.Reason == diagnosis.ReasonDeadline || found.Next == "" {
		t.Fatalf("no diagnosis, but %v", err)
	}
	return found.Error()
}

// refused carries out an activity as a worker would; it must fail for good with an error of that type.
func (l *lab) refused(t *testing.T, kind failure.Kind, activity, input any) string {
	t.Helper()
	var tests testsuite.WorkflowTestSuite
	environment := tests.NewTestActivityEnvironment()
	environment.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&attempt.Failures{}}})
	environment.RegisterActivity(l.activities)
	_, err := environment.ExecuteActivity(activity, input)
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != string(kind) || !app.NonRetryable() {
		t.Fatalf("no final %s, but %v", kind, err)
	}
	return app.Message()
}

// input is an activity's input for the quickstart environment with some fields set to other values.
func (l *lab) input(t *testing.T, changes map[string]any) activities.Input {
	t.Helper()
	env, err := environments.Load(world.File(t, changes))
	if err != nil {
		t.Fatal(err)
	}
	if env, err = l.activities.CheckEnvironment(t.Context(), activities.CheckInput{Environment: environments.Inline(env)}); err != nil {
		t.Fatal(err)
	}
	return activities.Input{Env: env, Scope: activities.Scope{Environment: env.Name, Namespace: env.Namespace, Cluster: env.Cluster, Run: "00000000-run"}}
}

// fails runs the command line, which must end with code, and gives its last word: which step failed, and why.
func (l *lab) fails(t *testing.T, code int, args ...string) string {
	t.Helper()
	said := l.Expect(t, code, args...).Err
	last := strings.LastIndex(said, ": step ")
	if last < 0 {
		t.Fatalf("no step failed:\n%s", said)
	}
	return said[last+len(": "):]
}
