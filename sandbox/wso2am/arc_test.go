package wso2am_test

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"lockstep/sandbox/carbon/carbontest"
)

func TestTheWholeArcFromRegistrationToRevocation(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	km := w.registerKeyManager()
	api := w.publish("demo")
	application, key := w.keys(km)
	token := w.tokenOf(key)
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		t.Fatal(err)
	}
	if claims["iss"] != "https://km.example.test/oauth2/token" || claims["azp"] != key[0] {
		t.Errorf("claims are %v", claims)
	}

	carbontest.Eventually(t, "the API is on the gateway", func() bool { return w.invoke("").Status != 404 })
	wantCode(t, w.invoke(""), 401, "900902")
	wantCode(t, w.invoke("no token"), 401, "900901")
	wantCode(t, w.invoke(token), 403, "900908")
	subscription := w.expect(201, "POST", devportal+"/subscriptions", map[string]any{
		"applicationId": application, "apiId": api, "throttlingPolicy": "Unlimited",
	}).Text("subscriptionId")
	if answer := w.invoke(token); answer.Status != 200 {
		t.Fatalf("with a subscription: got %d: %s", answer.Status, answer.Body)
	}
	w.revoke(key, token)
	carbontest.Eventually(t, "the gateway refuses the revoked token", func() bool { return w.invoke(token).Status == 401 })
	wantCode(t, w.invoke(token), 401, "900901")
	if answer := w.invoke(w.tokenOf(key)); answer.Status != 200 {
		t.Errorf("another token of the application: got %d: %s", answer.Status, answer.Body)
	}

	w.expect(412, "DELETE", adminAPI+"/key-managers/"+km, nil)
	w.expect(409, "DELETE", publisher+"/apis/"+api, nil)
	w.expect(200, "DELETE", devportal+"/subscriptions/"+subscription, nil)
	w.expect(200, "DELETE", devportal+"/applications/"+application, nil)
	w.expect(200, "DELETE", publisher+"/apis/"+api, nil)
	w.expect(200, "DELETE", adminAPI+"/key-managers/"+km, nil)
	carbontest.Eventually(t, "the API is gone from the gateway", func() bool { return w.invoke("").Status == 404 })
	carbontest.Expect(t, w.client, 404, carbontest.Call{
		Method: "GET", URL: is + "/api/identity/oauth2/dcr/v1.1/register/" + key[0], Basic: admin,
	})
}

func wantCode(t *testing.T, answer carbontest.Answer, status int, code string) {
	t.Helper()
	if answer.Status != status || answer.Text("code") != code {
		t.Errorf("got %d %s, want %d %s", answer.Status, answer.Body, status, code)
	}
}

func TestTheProbesOfTheChartAnswer(t *testing.T) {
	w := newWorld(t, options{})
	for _, url := range []string{
		"http://apim-wso2am-all-in-one-am-service:9763/services/Version",
		"http://apim-wso2am-all-in-one-am-service:9099/health",
		am + "/api/am/gateway/v2/server-startup-healthcheck",
		"https://apim-wso2am-all-in-one-am-service:8099/health",
		is + "/api/health-check/v1.0/health",
	} {
		carbontest.Expect(t, w.client, 200, carbontest.Call{Method: "GET", URL: url})
	}
}

func TestTheResidentKeyManagerWorksBesideTheOther(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	w.registerKeyManager()
	api := w.publish("demo")
	application := w.application("app")
	keys := w.generateKeys(application, "Resident Key Manager")
	if keys.Status != 200 {
		t.Fatalf("got %d: %s", keys.Status, keys.Body)
	}
	w.expect(201, "POST", devportal+"/subscriptions", map[string]any{"applicationId": application, "apiId": api, "throttlingPolicy": "Unlimited"})
	token := carbontest.Expect(t, w.client, 200, carbontest.Call{
		Method: "POST", URL: gw + "/token", Basic: [2]string{keys.Text("consumerKey"), keys.Text("consumerSecret")},
		Form: map[string][]string{"grant_type": {"client_credentials"}},
	}).Text("access_token")
	carbontest.Eventually(t, "the call answers", func() bool { return w.invoke(token).Status == 200 })
}
