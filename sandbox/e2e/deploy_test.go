package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
	"lockstep/internal/verify"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/workflows"
)

const (
	identityService = "is-identity-server"
	apimService     = "apim-wso2am-all-in-one-am-service"
)

var sorted = cmpopts.SortSlices(func(a, b string) bool { return a < b })

func testDeploy(t *testing.T, w *world) {
	w.absent(t)
	o := w.deployed(t)
	r := o.Result
	if o.Outcome != workflows.OutcomeDone || len(r.Consoles) != 6 || r.GatewayURL != "https://gw.lockstep.test" || r.Address == "" ||
		!strings.HasPrefix(r.Hosts, r.Address+" am.lockstep.test gw.lockstep.test") || r.Issuer != "https://km.lockstep.test/oauth2/token" || r.KeyManager == "" {
		t.Errorf("the report lacks addresses: %+v", o)
	}
	if !strings.HasPrefix(r.Image, "registry.lockstep.test/wso2is-km@sha256:") || len(r.Releases) != 3 {
		t.Errorf("the report lacks image or releases: %+v", r)
	}
	for name, release := range r.Releases {
		if release.Revision != 1 || !release.Changed || !strings.HasPrefix(release.ChartDigest, "sha256:") {
			t.Errorf("release %s: %+v", name, release)
		}
	}
	if len(r.Durations) != len(o.Status.Steps) || r.CriticalPath.Took <= 0 || r.CriticalPath.Took > r.CriticalPath.Makespan {
		t.Errorf("durations %v of %d steps, critical path %+v", r.Durations, len(o.Status.Steps), r.CriticalPath)
	}
	if len(r.Certificates) == 0 || len(r.Verified) != 6 || !strings.Contains(r.AdminPassword, "kubectl get secret lockstep-credentials -n apim") {
		t.Errorf("certificates %v, proved %v, password %q", r.Certificates, r.Verified, r.AdminPassword)
	}
	everythingIsThere(t, w)
	nothingOfVerification(t, w)
}

func everythingIsThere(t *testing.T, w *world) {
	t.Helper()
	const routing = "gateway.networking.k8s.io/v1"
	for _, ref := range []cluster.Ref{
		{APIVersion: "v1", Kind: "Namespace", Name: namespace},
		{APIVersion: "v1", Kind: "Namespace", Name: "envoy-gateway-system"},
		{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: "lockstep-credentials"},
		{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: "lockstep-ca"},
		{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: "apim-keystore-secret"},
		{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: "is-keystores"},
		{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: "gateway-tls"},
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: namespace, Name: "wso2-ca-cert"},
		{APIVersion: routing, Kind: "Gateway", Namespace: namespace, Name: "wso2-apim-gateway"},
		{APIVersion: routing, Kind: "HTTPRoute", Namespace: namespace, Name: identityService + "-httproute"},
		{APIVersion: routing, Kind: "BackendTLSPolicy", Namespace: namespace, Name: identityService + "-backend-tls-policy"},
	} {
		object, found, err := w.cluster.Get(t.Context(), ref)
		if err != nil || !found {
			t.Errorf("%s: found %v, %v", ref, found, err)
			continue
		}
		labels := object.GetLabels()
		if labels[cluster.ManagedByLabel] != cluster.ManagedBy || labels[cluster.EnvironmentLabel] != environment {
			t.Errorf("%s is labelled %v", ref, labels)
		}
	}
	for _, name := range []string{"is-identity-server", "apim-wso2am-all-in-one-am-deployment-1"} {
		d, err := w.Client(t).AppsV1().Deployments(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil || d.Status.ReadyReplicas != 1 {
			t.Errorf("deployment %s: %v", name, err)
		}
	}
}

func onlyFirstRevisions(t *testing.T, w *world) {
	t.Helper()
	want := []string{"apim/sh.helm.release.v1.apim.v1", "apim/sh.helm.release.v1.is.v1", "envoy-gateway-system/sh.helm.release.v1.envoy-gateway.v1"}
	if diff := cmp.Diff(want, w.revisions(t), sorted); diff != "" {
		t.Errorf("revisions of releases:\n%s", diff)
	}
}

// revisions are the records of all Helm releases.
func (w *world) revisions(t *testing.T) []string {
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

// products speaks to a product as the administrator, through the API server.
type products struct {
	client *http.Client
	admin  [2]string
}

func (w *world) products(t *testing.T) products {
	t.Helper()
	credentials, _, err := w.cluster.Secret(t.Context(), namespace, "lockstep-credentials")
	if err != nil {
		t.Fatal(err)
	}
	ca, _, err := w.cluster.ConfigMap(t.Context(), namespace, "wso2-ca-cert")
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM([]byte(ca["ca.crt"]))
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trust},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			service, _, _ := net.SplitHostPort(address)
			return w.cluster.Dial(namespace, service)(ctx, network, address)
		},
	}}
	t.Cleanup(client.CloseIdleConnections)
	return products{client, [2]string{admin, string(credentials["adminPassword"])}}
}

func (p products) call(t *testing.T, status int, call carbontest.Call) carbontest.Answer {
	t.Helper()
	return carbontest.Expect(t, p.client, status, call)
}

// nothingOfVerification asks both products whether anything is left of what verifications and probes make.
func nothingOfVerification(t *testing.T, w *world) {
	t.Helper()
	p := w.products(t)
	apim, identity := "https://"+apimService+":9443", "https://"+identityService+":9443"
	client := p.call(t, 200, carbontest.Call{Method: "POST", URL: apim + "/client-registration/v0.17/register", Basic: p.admin, JSON: map[string]any{
		"callbackUrl": "https://localhost", "clientName": "lockstep", "owner": admin, "grantType": "client_credentials password refresh_token", "saasApp": true,
	}})
	token := p.call(t, 200, carbontest.Call{Method: "POST", URL: apim + "/oauth2/token", Basic: [2]string{client.Text("clientId"), client.Text("clientSecret")}, Form: url.Values{
		"grant_type": {"password"}, "username": {p.admin[0]}, "password": {p.admin[1]}, "scope": {"apim:api_view apim:subscribe apim:app_manage"},
	}}).Text("access_token")
	for _, path := range []string{"/api/am/devportal/v3/applications", "/api/am/publisher/v4/apis"} {
		answer := p.call(t, 200, carbontest.Call{Method: "GET", URL: apim + path, Bearer: token})
		if strings.Contains(string(answer.Body), verify.Prefix) {
			t.Errorf("left of the verification: %s", answer.Body)
		}
	}
	answer := p.call(t, 200, carbontest.Call{Method: "GET", URL: identity + "/api/server/v1/applications", Basic: p.admin})
	if answer.JSON["totalResults"] != 0.0 {
		t.Errorf("clients left in Identity Server: %s", answer.Body)
	}
}

func testSecondDeploy(t *testing.T, w *world) {
	w.deployed(t)
	objects, pods, pushes, revisions := w.versions(t), w.pods(t), len(w.pushes(t)), w.revisions(t)
	o := w.deployed(t)
	for name, release := range o.Result.Releases {
		if release.Changed {
			t.Errorf("release %s changed", name)
		}
	}
	if now := w.pushes(t); len(now) != pushes {
		t.Errorf("pushed again: %v", now[pushes:])
	}
	if diff := cmp.Diff(revisions, w.revisions(t), sorted); diff != "" {
		t.Errorf("revisions:\n%s", diff)
	}
	if diff := cmp.Diff(pods, w.pods(t)); diff != "" {
		t.Errorf("pods:\n%s", diff)
	}
	if diff := cmp.Diff(objects, w.versions(t)); diff != "" {
		t.Errorf("resource versions of our objects:\n%s", diff)
	}
}

// versions are the resource versions of what Lockstep, Helm and the gateway's controller made.
func (w *world) versions(t *testing.T) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, object := range w.objects(t) {
		if object.GetLabels()[cluster.ManagedByLabel] != "" && object.GetKind() != "Job" { // a finished hook goes by itself
			versions[cluster.RefOf(object).String()] = object.GetResourceVersion()
		}
	}
	return versions
}

// pods gives uid and restarts of every pod.
func (w *world) pods(t *testing.T) map[string]string {
	t.Helper()
	list, err := w.Client(t).CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pods := map[string]string{}
	for _, pod := range list.Items {
		restarts := int32(0)
		for _, status := range pod.Status.ContainerStatuses {
			restarts += status.RestartCount
		}
		pods[pod.Namespace+"/"+pod.Name] = fmt.Sprintf("%s, %d restarts", pod.UID, restarts)
	}
	return pods
}
