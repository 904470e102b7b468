package matrix

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/cluster"
	"lockstep/sandbox/fault"
	"lockstep/test/world"
)

// unwanted is what the API server answers to what it refuses.
const unwanted = "the owner of this cluster does not want it"

// refuses has the API server refuse what condition, in CEL, says of requests with a verb on a resource: by an admission policy, as the
// owner of a cluster would.
func refuses(verb, group, resources, condition string) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		name := fmt.Sprintf("no-%s-of-%s", strings.ToLower(verb), resources)
		back := puts(policy(name, verb, group, resources, condition), binding(name))(t, w)
		world.Eventually(t, "the policy is in force", func() bool {
			live, err := resource(t, w, cluster.Ref{APIVersion: policies, Kind: "ValidatingAdmissionPolicy", Name: name}).Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			_, checked, _ := unstructured.NestedInt64(live.Object, "status", "observedGeneration")
			return checked && refused(t, w, name)
		})
		return func() {
			back()
			world.Eventually(t, "the policy is no longer in force", func() bool { return !refused(t, w, name) })
		}
	}
}

const policies = "admissionregistration.k8s.io/v1"

// policy also refuses ConfigMaps of its own name, by which one sees that it is in force.
func policy(name, verb, group, resources, condition string) string {
	return fmt.Sprintf(`
apiVersion: %s
kind: ValidatingAdmissionPolicy
metadata: {name: %s}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}
      - {apiGroups: [%q], apiVersions: ["*"], operations: [%s], resources: [%s]}
  validations:
    - expression: %q
      message: %s
`, policies, name, group, verb, resources, fmt.Sprintf("!(request.resource.resource == 'configmaps' && request.name == '%s' || request.resource.resource == '%s' && request.operation == '%s' && (%s))",
		name, resources, verb, condition), unwanted)
}

func binding(name string) string {
	return fmt.Sprintf(`
apiVersion: %s
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %s}
spec: {policyName: %s, validationActions: [Deny]}
`, policies, name, name)
}

// refused tries what the policy of that name refuses, without doing it.
func refused(t testing.TB, w *world.World, name string) bool {
	t.Helper()
	probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := w.Client(t).CoreV1().ConfigMaps("default").Create(t.Context(), probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil && !strings.Contains(err.Error(), unwanted) {
		t.Fatal(err)
	}
	return err != nil
}

// named is the condition for objects of these names.
func named(names ...string) string {
	return fmt.Sprintf("request.name in ['%s']", strings.Join(names, "', '"))
}

// answers has servers of the sandbox answer as the faults say.
func answers(faults ...fault.Fault) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		w.Fault(t, faults...)
		return func() { w.Fault(t) }
	}
}
