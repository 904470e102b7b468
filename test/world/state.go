package world

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
)

// Sorted compares lists of names whatever their order.
var Sorted = cmpopts.SortSlices(func(a, b string) bool { return a < b })

// EverythingIsThere reports what a deployed environment lacks.
func (w *World) EverythingIsThere(t testing.TB) {
	t.Helper()
	const routing = "gateway.networking.k8s.io/v1"
	for _, ref := range []cluster.Ref{
		{APIVersion: "v1", Kind: "Namespace", Name: Namespace},
		{APIVersion: "v1", Kind: "Namespace", Name: "envoy-gateway-system"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "lockstep-credentials"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "lockstep-ca"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "apim-keystore-secret"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "is-keystores"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "control-plane-https-tls"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "gateway-https-tls"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "websocket-https-tls"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "websub-https-tls"},
		{APIVersion: "v1", Kind: "Secret", Namespace: Namespace, Name: "keymanager-https-tls"},
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: Namespace, Name: "wso2-ca-cert"},
		{APIVersion: routing, Kind: "Gateway", Namespace: Namespace, Name: "wso2-apim-gateway"},
		{APIVersion: routing, Kind: "HTTPRoute", Namespace: Namespace, Name: IdentityService + "-httproute"},
		{APIVersion: routing, Kind: "BackendTLSPolicy", Namespace: Namespace, Name: IdentityService + "-backend-tls-policy"},
	} {
		object, found, err := w.Cluster.Get(t.Context(), ref)
		if err != nil || !found {
			t.Errorf("%s: found %v, %v", ref, found, err)
			continue
		}
		labels := object.GetLabels()
		if labels[cluster.ManagedByLabel] != cluster.ManagedBy || labels[cluster.EnvironmentLabel] != Environment {
			t.Errorf("%s is labelled %v", ref, labels)
		}
	}
	for _, name := range []string{"is-identity-server", "apim-wso2am-all-in-one-am-deployment-1"} {
		d, err := w.Client(t).AppsV1().Deployments(Namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil || d.Status.ReadyReplicas != 1 {
			t.Errorf("deployment %s: %v", name, err)
		}
	}
}

// OnlyFirstRevisions reports releases that are not at their first and only revision.
func (w *World) OnlyFirstRevisions(t testing.TB) {
	t.Helper()
	want := []string{"apim/sh.helm.release.v1.apim.v1", "apim/sh.helm.release.v1.is.v1", "envoy-gateway-system/sh.helm.release.v1.envoy-gateway.v1"}
	if diff := cmp.Diff(want, w.Revisions(t), Sorted); diff != "" {
		t.Errorf("revisions of releases:\n%s", diff)
	}
}

// Revisions are the records of all Helm releases.
func (w *World) Revisions(t testing.TB) []string {
	t.Helper()
	secrets, err := w.Client(t).CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, secret := range secrets.Items {
		names = append(names, secret.Namespace+"/"+secret.Name)
	}
	return names
}

// Versions are the resource versions of what Lockstep, Helm and the gateway's controller made.
func (w *World) Versions(t testing.TB) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, object := range w.Objects(t) {
		if object.GetLabels()[cluster.ManagedByLabel] != "" && object.GetKind() != "Job" { // a finished hook goes by itself
			versions[cluster.RefOf(object).String()] = object.GetResourceVersion()
		}
	}
	return versions
}

// Pods gives uid and restarts of every pod, but of hooks: a finished one goes by itself.
func (w *World) Pods(t testing.TB) map[string]string {
	t.Helper()
	list, err := w.Client(t).CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pods := map[string]string{}
	for _, pod := range list.Items {
		if pod.Labels["job-name"] != "" {
			continue
		}
		restarts := int32(0)
		for _, status := range pod.Status.ContainerStatuses {
			restarts += status.RestartCount
		}
		pods[pod.Namespace+"/"+pod.Name] = fmt.Sprintf("%s, %d restarts", pod.UID, restarts)
	}
	return pods
}

// Workloads are the specifications of what the releases run, and what configures it.
func (w *World) Workloads(t testing.TB) map[string]any {
	t.Helper()
	found := map[string]any{}
	for _, object := range w.Objects(t) {
		switch kind := object.GetKind(); {
		case object.GetNamespace() != Namespace:
		case kind == "Deployment" || kind == "HTTPRoute":
			found[kind+" "+object.GetName()] = object.Object["spec"]
		case kind == "ConfigMap":
			found[kind+" "+object.GetName()] = object.Object["data"]
		}
	}
	return found
}
