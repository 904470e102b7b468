package certgen

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
)

func TestCertgenMakesSecretsOnceAndTellsTheWebhook(t *testing.T) {
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		secrets: "SecretList", webhooks: "MutatingWebhookConfigurationList",
	}, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
		"metadata": map[string]any{"name": "envoy-gateway-topology-injector.eg"},
		"webhooks": []any{map[string]any{"name": "topology.webhook.gateway.envoyproxy.io", "clientConfig": map[string]any{}}},
	}})
	log := slog.New(slog.DiscardHandler)
	if err := Run(t.Context(), client, "eg", true, log); err != nil {
		t.Fatal(err)
	}
	first, err := client.Resource(secrets).Namespace("eg").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, secret := range first.Items {
		names = append(names, secret.GetName())
	}
	if diff := cmp.Diff([]string{"envoy", "envoy-gateway", "envoy-oidc-hmac", "envoy-rate-limit"}, names); diff != "" {
		t.Errorf("Secrets:\n%s", diff)
	}
	if err := Run(t.Context(), client, "eg", true, log); err != nil {
		t.Fatal(err)
	}
	second, err := client.Resource(secrets).Namespace("eg").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.Items, second.Items); diff != "" {
		t.Errorf("the second run changed Secrets")
	}
	webhook, err := client.Resource(webhooks).Get(t.Context(), "envoy-gateway-topology-injector.eg", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	hooks, _, _ := unstructured.NestedSlice(webhook.Object, "webhooks")
	if bundle, _, _ := unstructured.NestedString(hooks[0].(map[string]any), "clientConfig", "caBundle"); bundle == "" {
		t.Error("the webhook has no CA")
	}
}
