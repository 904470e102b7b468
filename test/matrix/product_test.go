package matrix

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/apim"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/test/world"
)

// manager is a running API Manager.
type manager struct {
	client   *apim.Client
	http     *http.Client
	password string
	pod      string // uid
}

const managerURL = "https://" + world.APIMService + ":9443"

// apiManager finds API Manager, if a pod of it is ready.
func apiManager(t testing.TB, w *world.World) (m manager, found bool) {
	t.Helper()
	pods, err := w.Client(t).CoreV1().Pods(world.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "product=apim"})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(pods.Items, ready)
	credentials, hasCredentials, err := w.Cluster.Secret(t.Context(), world.Namespace, "lockstep-credentials")
	if err != nil {
		t.Fatal(err)
	}
	ca, hasCA, err := w.Cluster.ConfigMap(t.Context(), world.Namespace, "wso2-ca-cert")
	if err != nil {
		t.Fatal(err)
	}
	if i < 0 || !hasCredentials || !hasCA {
		return manager{}, false
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM([]byte(ca["ca.crt"]))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}, DialContext: w.Dialer.Service(world.Namespace, world.APIMService),
		DisableKeepAlives: true}
	m = manager{http: &http.Client{Transport: transport, Timeout: 20 * time.Second}, password: string(credentials["adminPassword"]), pod: string(pods.Items[i].UID)}
	m.client = apim.New(apim.Options{Base: managerURL, HTTP: m.http, Username: world.Admin, Password: m.password, ClientName: "lockstep"})
	return m, true
}

func ready(pod corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// applications names what the developer portal has.
func (m manager) applications(t testing.TB) (names []string) {
	t.Helper()
	admin := [2]string{world.Admin, m.password}
	client := carbontest.Do(t, m.http, carbontest.Call{Method: "POST", URL: managerURL + "/client-registration/v0.17/register", Basic: admin, JSON: map[string]any{
		"callbackUrl": "https://localhost", "clientName": "lockstep", "owner": world.Admin, "grantType": "client_credentials password refresh_token", "saasApp": true,
	}})
	token := carbontest.Do(t, m.http, carbontest.Call{Method: "POST", URL: managerURL + "/oauth2/token", Basic: [2]string{client.Text("clientId"), client.Text("clientSecret")},
		Form: url.Values{"grant_type": {"password"}, "username": {admin[0]}, "password": {admin[1]}, "scope": {"apim:subscribe apim:app_manage"}},
	}).Text("access_token")
	answer := carbontest.Do(t, m.http, carbontest.Call{Method: "GET", URL: managerURL + "/api/am/devportal/v3/applications", Bearer: token})
	var found struct {
		List []struct {
			Name string `json:"name"`
		} `json:"list"`
	}
	_ = json.Unmarshal(answer.Body, &found)
	for _, application := range found.List {
		names = append(names, application.Name)
	}
	return names
}
