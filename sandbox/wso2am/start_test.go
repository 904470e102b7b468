package wso2am_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/simulate"
	"lockstep/sandbox/wso2am"
	"lockstep/sandbox/wso2is"
)

func TestServersThatCannotStartSayWhyAsTheRealOnesDo(t *testing.T) {
	stores := carbontest.Mint(t)
	replace := func(text, old, new string) string { return strings.Replace(text, old, new, 1) }
	is := func(toml string) map[string][]byte { return carbontest.ISFiles(t, stores, toml) }
	apim := func(toml string) map[string][]byte { return carbontest.APIMFiles(stores, toml) }
	without := func(files map[string][]byte, name string) map[string][]byte {
		delete(files, name)
		return files
	}
	tests := []struct {
		name    string
		program simulate.Program
		home    string
		files   map[string][]byte
		want    string
		livesOn bool
	}{
		{"IS with [oauth] in extraConfigs", wso2is.Run, carbontest.ISHome,
			is(replace(replace(carbontest.ISToml, "[oauth]\nauthorize_all_scopes = true", ""),
				"[role_mgt]", "[oauth]\nauthorize_all_scopes = true\n[role_mgt]")), "StackOverflowError", false},
		{"IS with [oauth] twice", wso2is.Run, carbontest.ISHome,
			is(replace(carbontest.ISToml, "[role_mgt]", "[oauth]\nx = 1\n[role_mgt]")), "oauth previously defined", false},
		{"IS whose stores are in another home", wso2is.Run, carbontest.ISHome,
			without(is(carbontest.ISToml), carbontest.ISHome+"/repository/resources/security/primary.p12"),
			"/wso2is-7.2.0/repository/resources/security/primary.p12 (No such file or directory)", true},
		{"IS in an image without its home", wso2is.Run, "/home/wso2carbon/wso2is-7.1.0", is(carbontest.ISToml), "product home does not exist", false},
		{"IS with a bad encryption key", wso2is.Run, carbontest.ISHome,
			is(replace(carbontest.ISToml, `key = "0001`, `key = "zz`)), "InvalidKeyException", false},
		{"APIM without its database", wso2am.Run, carbontest.APIMHome,
			without(apim(carbontest.APIMToml), carbontest.APIMHome+"/repository/database/WSO2CARBON_DB.mv.db"), "cp: cannot stat", false},
		{"APIM without solr's folder", wso2am.Run, carbontest.APIMHome,
			without(apim(carbontest.APIMToml), "/home/wso2carbon/solr/database/.keep"), "cp: cannot create regular file", false},
		{"APIM with a short encryption key", wso2am.Run, carbontest.APIMHome,
			apim(replace(carbontest.APIMToml, "$env{ENCRYPTION_KEY}", "000102")), "InvalidKeyException", false},
		{"APIM without a variable", wso2am.Run, carbontest.APIMHome,
			apim(replace(carbontest.APIMToml, "$env{ENCRYPTION_KEY}", "$env{NOT_SET}")), "Environment variable NOT_SET is not defined", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pod := carbontest.NewPod(t, &carbontest.Network{}, test.files, carbontest.Variables(test.home, nil))
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			ended := make(chan error, 1)
			go func() { ended <- test.program(ctx, pod.Env) }()
			if test.livesOn {
				carbontest.Eventually(t, "it says so", func() bool { return pod.Log.Contains("WSO2 Carbon initialization Failed") })
				select {
				case err := <-ended:
					t.Errorf("its process has ended: %v", err)
				default:
				}
			} else if err := <-ended; err != nil {
				pod.Env.Log.Error(err.Error())
			}
			stop()
			if !pod.Log.Contains(test.want) {
				t.Errorf("its log has no %q", test.want)
			}
		})
	}
}

func TestTheFirstRegistrationAfterTheStartFails(t *testing.T) {
	w := newWorld(t, options{settings: map[string]string{wso2am.VarRegistrationFailures: "2"}})
	registration := carbontest.Call{Method: "POST", URL: am + "/client-registration/v0.17/register", Basic: admin, JSON: map[string]any{
		"clientName": "lockstep", "owner": "admin", "grantType": "password",
	}}
	for range 2 {
		carbontest.Expect(t, w.client, 500, registration)
	}
	first := carbontest.Expect(t, w.client, 200, registration)
	if again := carbontest.Expect(t, w.client, 200, registration); again.Text("clientId") != first.Text("clientId") {
		t.Error("the same name gave another client")
	}
	registration.Basic[1] = "wrong"
	carbontest.Expect(t, w.client, 401, registration)
}

func TestATokenWithoutTheScopeGetsA401(t *testing.T) {
	w := newWorld(t, options{})
	w.login("apim:keymanagers_manage apim:api_view")
	w.expect(401, "GET", adminAPI+"/key-managers", nil)
	w.expect(200, "GET", publisher+"/apis", nil)
	w.token = ""
	w.expect(401, "GET", publisher+"/apis", nil)
}

func TestSettingsNameTheConnectorAndItsProperties(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	settings := w.expect(200, "GET", adminAPI+"/settings", nil)
	for _, name := range []string{"WSO2-IS-7", "api_resource_management_endpoint", "is7_roles_endpoint", "enable_roles_creation"} {
		if !strings.Contains(string(settings.Body), `"`+name+`"`) {
			t.Errorf("the settings do not have %s", name)
		}
	}
}

func TestAServerThatDoesNotTrustItselfDeploysNoAPI(t *testing.T) {
	w := newWorld(t, options{stores: func(t *testing.T, stores *carbontest.Stores) {
		trustAPIM(t, stores, carbontest.NewCA(t, "Another CA"))
	}})
	w.login(allScopes)
	w.publish("demo")
	carbontest.Eventually(t, "the deployment fails", func() bool {
		return w.am.Log.Contains("the server's own certificate is not trusted")
	})
	wantCode(t, w.invoke(""), 404, "404")
}

func TestApisAreRefusedAsThePublisherRefusesThem(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	id := w.expect(201, "POST", publisher+"/apis", map[string]any{"name": "a", "context": "/a", "version": "1"}).Text("id")
	publish := publisher + "/apis/change-lifecycle?apiId=" + id + "&action="
	revision := w.expect(201, "POST", publisher+"/apis/"+id+"/revisions", map[string]any{}).Text("id")
	deploy := publisher + "/apis/" + id + "/deploy-revision?revisionId="
	tests := []struct {
		name, url string
		body      any
		status    int
		code      float64
	}{
		{"the same again", publisher + "/apis", map[string]any{"name": "a", "context": "/a", "version": "1"}, 409, 900300},
		{"no version", publisher + "/apis", map[string]any{"name": "b", "context": "/b"}, 400, 400},
		{"an unknown field", publisher + "/apis", map[string]any{"name": "b", "context": "/b", "version": "1", "endpoint": "x"}, 400, 400},
		{"key managers as an object", publisher + "/apis", map[string]any{"name": "b", "context": "/b", "version": "1", "keyManagers": map[string]any{}}, 400, 901350},
		{"no business plan", publish + "Publish", nil, 400, 900303},
		{"an action out of order", publish + "Retire", nil, 400, 900381},
		{"an unknown environment", deploy + revision, []any{map[string]any{"name": "Other", "vhost": "gw.example.test"}}, 400, 900504},
		{"a foreign virtual host", deploy + revision, []any{map[string]any{"name": "Default", "vhost": "localhost"}}, 400, 900511},
		{"an unknown revision", deploy + "x", []any{map[string]any{"name": "Default", "vhost": "gw.example.test"}}, 404, 900347},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := w.do("POST", test.url, test.body)
			if answer.Status != test.status || answer.JSON["code"] != test.code {
				t.Errorf("got %d %s, want %d with code %.0f", answer.Status, answer.Body, test.status, test.code)
			}
		})
	}
}

func TestNotificationsAreAcceptedWhateverTheySay(t *testing.T) {
	w := newWorld(t, options{})
	notify := carbontest.Call{Method: "POST", URL: am + "/internal/data/v1/notify", Basic: admin, JSON: "nothing"}
	carbontest.Expect(t, w.client, 200, notify)
	notify.Basic[1] = "wrong"
	carbontest.Expect(t, w.client, 401, notify)
}

func TestFaultsAreInjectedAsOftenAsTheFileSays(t *testing.T) {
	faults := filepath.Join(t.TempDir(), "faults.yaml")
	w := newWorld(t, options{faults: faults})
	w.login(allScopes)
	if err := os.WriteFile(faults, []byte("- {server: wso2am, status: 503, path: /api/am/admin, times: 2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{503, 503, 200} {
		w.expect(want, "GET", adminAPI+"/key-managers", nil)
	}
}

func TestDiscoveryFillsInWhatTheConnectorCannotUse(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	answer := carbontest.Expect(t, w.client, 200, carbontest.Call{
		Method: "POST", URL: adminAPI + "/key-managers/discover", Bearer: w.token,
		Multipart: url.Values{"type": {"WSO2-IS-7"}, "url": {is + "/oauth2/token/.well-known/openid-configuration"}},
	})
	value, _ := answer.JSON["value"].(map[string]any)
	if answer.JSON["valid"] != true || value["issuer"] != "https://km.example.test/oauth2/token" {
		t.Fatalf("got %s", answer.Body)
	}
	if got, _ := value["userInfoEndpoint"].(string); !strings.HasSuffix(got, "/oauth2/userinfo") || value["scopeManagementEndpoint"] != nil {
		t.Errorf("discovery is better than the product's: %s", answer.Body)
	}
}

func TestListsComeInPages(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	for _, name := range []string{"a", "b", "c"} {
		w.application(name)
	}
	list := w.expect(200, "GET", devportal+"/applications?limit=2&offset=1", nil)
	page := list.JSON["pagination"].(map[string]any)
	if list.JSON["count"] != 2.0 || page["total"] != 3.0 {
		t.Errorf("got %s", list.Body)
	}
	if part := w.expect(200, "GET", devportal+"/applications?query=a", nil); part.JSON["count"] != 1.0 {
		t.Errorf("a whole name: got %s", part.Body)
	}
}
