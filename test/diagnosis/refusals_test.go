package diagnosis

import (
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"lockstep/config"
	"lockstep/internal/crd"
	"lockstep/test/clustertest"
	"lockstep/test/world"
)

// ofRefusals are pods that the API server does not let in.
func ofRefusals() []provocation {
	return []provocation{
		{"Quota is used up", func(t *testing.T, l *lab) string {
			namespace := l.namespace(t, "quota", nil)
			quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "small"}, Spec: corev1.ResourceQuotaSpec{
				Hard: corev1.ResourceList{corev1.ResourceRequestsCPU: resource.MustParse("1")}}}
			quotas := l.Client(t).CoreV1().ResourceQuotas(namespace)
			if _, err := quotas.Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			world.Eventually(t, "the quota is known", func() bool {
				found, err := quotas.Get(t.Context(), "small", metav1.GetOptions{})
				return err == nil && len(found.Status.Hard) > 0
			})
			l.deploy(t, namespace, asks("2", "1Gi"))
			return l.problem(t, namespace)
		}},
		{"LimitRange refuses the pod", func(t *testing.T, l *lab) string {
			namespace := l.namespace(t, "limits", nil)
			limits := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "small"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
				{Type: corev1.LimitTypeContainer, Max: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")}}}}}
			if _, err := l.Client(t).CoreV1().LimitRanges(namespace).Create(t.Context(), limits, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			l.deploy(t, namespace, asks("1", "1Gi"))
			return l.problem(t, namespace)
		}},
		{"Pod Security refuses the pod", func(t *testing.T, l *lab) string {
			namespace := l.namespace(t, "security", map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
			l.deploy(t, namespace, asks("1", "1Gi"))
			return l.problem(t, namespace)
		}},
		{"A policy refuses the pod", func(t *testing.T, l *lab) string {
			namespace := l.namespace(t, "policy", map[string]string{"policed": "yes"})
			policy(t, l.Client(t), namespace)
			l.deploy(t, namespace, asks("1", "1Gi"))
			return l.problem(t, namespace)
		}},
	}
}

func asks(cpu, memory string) func(*appsv1.Deployment, *corev1.Container) {
	return func(_ *appsv1.Deployment, c *corev1.Container) {
		list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
		c.Resources = corev1.ResourceRequirements{Requests: list, Limits: list}
	}
}

// deniedCRDs has Gateway API's own policy refuse the CRDs of an older gateway chart.
func deniedCRDs(t *testing.T, l *lab) string {
	for _, object := range clustertest.GatewayPolicy(t) {
		resource, err := l.Cluster.Resource(object.GroupVersionKind(), "")
		if err == nil {
			_, err = resource.Create(t.Context(), object, metav1.CreateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := resource.Delete(t.Context(), object.GetName(), metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}()
	}
	older := clustertest.GatewayCRDs(t, "1.7")
	world.Eventually(t, "the policy is in force", func() bool {
		tried, err := crd.Try(t.Context(), l.Cluster, older, config.CRDsCreate, crd.Run{})
		return err == nil && len(tried.Denied) > 5
	})
	return l.fails(t, world.RolledBack, "deploy", "-f", world.File(t, map[string]any{"gateway.chart.version": "v1.7.0"}))
}

// policy refuses pods of a namespace, and returns once it does.
func policy(t *testing.T, kube kubernetes.Interface, namespace string) {
	t.Helper()
	fail := admissionv1.Fail
	object := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "owners"}, Spec: admissionv1.ValidatingAdmissionPolicySpec{
		FailurePolicy: &fail,
		MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
			Operations: []admissionv1.OperationType{admissionv1.Create},
			Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}}}}}},
		Validations: []admissionv1.Validation{{Expression: "has(object.metadata.labels) && 'owner' in object.metadata.labels", Message: "every pod needs the label owner"}},
	}}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "owners"}, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: "owners", ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		MatchResources: &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"policed": "yes"}}},
	}}
	if _, err := kube.AdmissionregistrationV1().ValidatingAdmissionPolicies().Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "tried"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}}
	world.Eventually(t, "the policy is in force", func() bool {
		_, err := kube.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err != nil
	})
}
