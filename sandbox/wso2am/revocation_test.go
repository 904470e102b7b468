package wso2am_test

import (
	"path"
	"strings"
	"testing"

	"lockstep/sandbox/carbon/carbontest"
)

// prepared is a world with a token that opens the API.
func prepared(t *testing.T, o options) (w *world, key [2]string, token string) {
	t.Helper()
	w = newWorld(t, o)
	w.login(allScopes)
	km := w.registerKeyManager()
	api := w.publish("demo")
	application, key := w.keys(km)
	w.expect(201, "POST", devportal+"/subscriptions", map[string]any{"applicationId": application, "apiId": api, "throttlingPolicy": "Unlimited"})
	token = w.tokenOf(key)
	carbontest.Eventually(t, "the call answers", func() bool { return w.invoke(token).Status == 200 })
	return w, key, token
}

func toml(old, new string) string {
	if !strings.Contains(carbontest.ISToml, old) {
		panic("not in the configuration: " + old)
	}
	return strings.Replace(carbontest.ISToml, old, new, 1)
}

var jar = path.Join(carbontest.ISHome, "repository/components/dropins", carbontest.Jar)

func TestARevokedTokenIsRefusedOnlyIfEverythingIsRight(t *testing.T) {
	const headerLine = `'header.X-WSO2-KEY-MANAGER' = "WSO2-IS"`
	tests := []struct {
		name    string
		options options
		refused bool
		logged  string // by Identity Server
	}{
		{"all right", options{}, true, ""},
		{"header default", options{isToml: toml(headerLine, `'header.X-WSO2-KEY-MANAGER' = "default"`)}, true, ""},
		{"header with the key manager's name", options{isToml: toml(headerLine, `'header.X-WSO2-KEY-MANAGER' = "WSO2IS7"`)}, false, ""},
		{"no header", options{isToml: toml(headerLine, "")}, false, ""},
		{"header key without quotes", options{isToml: toml(headerLine, `header.X-WSO2-KEY-MANAGER = "WSO2-IS"`)}, false, ""},
		{"another listener type", options{isToml: toml("org.wso2.carbon.identity.core.handler.AbstractIdentityHandler",
			"org.wso2.carbon.identity.oauth.event.OAuthEventInterceptor")}, false, ""},
		{"another listener name", options{isToml: toml("ApimOauthEventInterceptor", "Other")}, false, ""},
		{"no jar", options{isFiles: func(_ *testing.T, files map[string][]byte) { delete(files, jar) }}, false, ""},
		{"a jar without the class", options{isFiles: func(t *testing.T, files map[string][]byte) {
			files[jar] = carbontest.Archive(t, "META-INF/MANIFEST.MF")
		}}, false, ""},
		{"the jar in another home", options{isFiles: func(_ *testing.T, files map[string][]byte) {
			files[strings.Replace(jar, "7.2.0", "7.0.0", 1)] = files[jar]
			delete(files, jar)
		}}, false, ""},
		{"wrong password", options{isToml: toml(`password = "${admin.password}"`, `password = "wrong"`)}, false, ""},
		{"wrong path", options{isToml: toml("/internal/data/v1/notify", "/internal/data/v1/other")}, false, ""},
		{"a host that does not exist", options{isToml: toml("am-service.apim.svc", "am-service.elsewhere.svc")}, false,
			"Error while sending Revocation Event"},
		{"Identity Server does not trust API Manager", options{stores: distrusting}, false, "PKIX path building failed"},
		{"the truststore holds nothing Java trusts", options{stores: unmarked}, false, "trustAnchors parameter must be non-empty"},
		{"API Manager's certificate lacks the name", options{stores: nameless,
			isToml: toml("am-service.apim.svc.cluster.local", "am-service.apim.svc")}, false, "SSLPeerUnverifiedException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, key, token := prepared(t, test.options)
			w.revoke(key, token)
			if test.refused {
				carbontest.Eventually(t, "the token is refused", func() bool { return w.invoke(token).Status == 401 })
				return
			}
			w.is.Stop(t) // and with it, what it still had to send
			if answer := w.invoke(token); answer.Status != 200 {
				t.Errorf("the token no longer works: got %d: %s", answer.Status, answer.Body)
			}
			if failed := w.is.Log.Contains("Error while sending Revocation Event"); failed != (test.logged != "") || !w.is.Log.Contains(test.logged) {
				t.Errorf("Identity Server's log should have %q; it speaks of a failure: %v", test.logged, failed)
			}
		})
	}
}

// distrusting gives Identity Server the truststore of another environment.
func distrusting(t *testing.T, stores *carbontest.Stores) {
	stores.IS["client-truststore.p12"] = carbontest.PKCS12Trust(t, carbontest.NewCA(t, "Another CA").Certificate)
}

// unmarked gives it a store that has certificates, but none that is an entry of its own.
func unmarked(t *testing.T, stores *carbontest.Stores) {
	stores.IS["client-truststore.p12"] = stores.IS["tls.p12"]
}

// nameless gives API Manager a certificate with the names API calls need, but not the one of the notification.
func nameless(t *testing.T, stores *carbontest.Stores) {
	stores.APIM["tls.jks"] = carbontest.JKS(t, stores.CA.Issue(t, carbontest.APIMService, "localhost"))
}
