package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/failure"
	"lockstep/internal/verify"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/wso2am"
	"lockstep/test/apimtest"
)

// quick are waits for tests in which what is waited for does not come.
var quick = verify.Waits{Published: 200 * time.Millisecond, Revoked: 200 * time.Millisecond, Poll: 5 * time.Millisecond}

func arc(w *apimtest.World) *verify.Arc {
	return &verify.Arc{
		APIManager: w.Client(), IdentityServer: w.Identity(), Gateway: w.HTTP, GatewayURL: apimtest.Gateway, VHost: apimtest.VHost,
		KeyManager: "WSO2IS7", ID: "run1", Progress: func(string) {},
		Waits: verify.Waits{Published: 10 * time.Second, Revoked: 10 * time.Second, Poll: 5 * time.Millisecond},
	}
}

func checkNothingLeft(t *testing.T, w *apimtest.World) {
	t.Helper()
	if left := w.Left(t); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestEachLevelProvesWhatItSaysAndLeavesNothing(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	w.Register(t, apimtest.KeyManager())
	proofs := []string{
		"both products are healthy", "the key manager is registered with Identity Server's issuer",
		"Identity Server made the application's keys", "the token carries the registered issuer and the application's key",
		"an API answers to the token through the public gateway", "the gateway refuses the token once Identity Server revoked it",
	}
	for level, proved := range map[config.VerifyLevel]int{config.VerifyNone: 0, config.VerifyHealth: 2, config.VerifyToken: 4, config.VerifyFull: 6} {
		t.Run(string(level), func(t *testing.T) {
			result, err := arc(w).Run(context.Background(), level)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(proofs[:proved], append([]string{}, result.Proved...)); diff != "" {
				t.Errorf("proved (-want +got):\n%s", diff)
			}
			checkNothingLeft(t, w)
		})
	}
}

func TestAKeyManagerThatCannotWorkIsNamedWithTheNextMove(t *testing.T) {
	changed := func(key string, value any) apim.KeyManager {
		manager := apimtest.KeyManager()
		manager[key] = value
		return manager
	}
	for name, c := range map[string]struct {
		manager apim.KeyManager // nil: none is registered
		want    []string
	}{
		"missing":        {nil, []string{`key manager "WSO2IS7" is not registered`, "run `lockstep deploy`"}},
		"disabled":       {changed("enabled", false), []string{`key manager "WSO2IS7" is disabled`, "Admin portal"}},
		"another issuer": {changed("issuer", "https://km.example.test:443/oauth2/token"), []string{`"https://km.example.test:443/oauth2/token"`, `"https://km.example.test/oauth2/token"`, "run `lockstep deploy`"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := apimtest.Start(t, apimtest.Options{})
			if c.manager != nil {
				w.Register(t, c.manager)
			}
			_, err := arc(w).Run(context.Background(), config.VerifyHealth)
			wantBroken(t, err, c.want...)
		})
	}
}

func wantBroken(t *testing.T, err error, texts ...string) {
	t.Helper()
	if failure.ReasonOf(err) != verify.LinkBroken || failure.IsRetryable(err) {
		t.Fatalf("got %v, want a broken link", err)
	}
	wantText(t, err, texts...)
}

func wantText(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
	if strings.Contains(err.Error(), carbontest.AdminPassword) {
		t.Errorf("the password is in: %v", err)
	}
}

func TestARevocationThatNeverArrivesNamesAllThatMayBeWrong(t *testing.T) {
	const header = `'header.X-WSO2-KEY-MANAGER' = "WSO2-IS"`
	for name, o := range map[string]apimtest.Options{
		"no handler JAR":       {NoJar: true},
		"the name as header":   {ISToml: replaced(t, header, `'header.X-WSO2-KEY-MANAGER' = "WSO2IS7"`)},
		"a wrong password":     {ISToml: replaced(t, `password = "${admin.password}"`, `password = "wrong"`)},
		"another listener":     {ISToml: replaced(t, "org.wso2.carbon.identity.core.handler.AbstractIdentityHandler", "org.wso2.carbon.identity.oauth.event.OAuthEventInterceptor")},
		"an unreachable place": {ISToml: replaced(t, "am-service.apim.svc", "am-service.elsewhere.svc")},
	} {
		t.Run(name, func(t *testing.T) {
			w := apimtest.Start(t, o)
			w.Register(t, apimtest.KeyManager())
			a := arc(w)
			a.Waits.Revoked = quick.Revoked
			result, err := a.Run(context.Background(), config.VerifyFull)
			wantBroken(t, err, "the gateway still lets the revoked token through (200 after 200ms)", "handler JAR", "repository/components/dropins",
				"AbstractIdentityHandler", "X-WSO2-KEY-MANAGER WSO2-IS", "notification_endpoint", "API Manager's certificate")
			if len(result.Proved) != 5 {
				t.Errorf("proved before: %q", result.Proved)
			}
			checkNothingLeft(t, w)
		})
	}
}

func replaced(t *testing.T, old, text string) string {
	t.Helper()
	if !strings.Contains(carbontest.ISToml, old) {
		t.Fatalf("not in the configuration: %s", old)
	}
	return strings.Replace(carbontest.ISToml, old, text, 1)
}

func TestAnAPIThatNeverComesToTheGatewayIsNamed(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{Settings: map[string]string{wso2am.VarDeployment: "1h"}})
	w.Register(t, apimtest.KeyManager())
	a := arc(w)
	a.Waits = quick
	_, err := a.Run(context.Background(), config.VerifyFull)
	wantBroken(t, err, "does not let a valid token", apimtest.Gateway+"/lockstep-verify-run1/1.0.0/Version answers 404", "after 200ms", "API Manager's log")
	checkNothingLeft(t, w)
}

func TestAGatewayThatAnswersNothingAfterTheRevocationIsNotCalledLenient(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	w.Register(t, apimtest.KeyManager())
	a := arc(w)
	a.Waits.Revoked = quick.Revoked
	gone := false
	w.Before(func(r *http.Request) error {
		if gone = gone || r.URL.Path == "/oauth2/revoke"; gone && strings.HasPrefix(r.URL.Path, "/lockstep-verify-") {
			return errors.New("connection refused")
		}
		return nil
	})
	_, err := a.Run(context.Background(), config.VerifyFull)
	wantBroken(t, err, "neither lets the token through nor refuses it", "connection refused")
}

func TestAWrongAdminPasswordIsARefusalOfItsProduct(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	a := arc(w)
	a.APIManager = w.ClientAs("admin", "not the password")
	_, err := a.Run(context.Background(), config.VerifyHealth)
	wantText(t, err, "registering Lockstep's client with API Manager", "401")
	if strings.Contains(err.Error(), "not the password") {
		t.Errorf("the password is in: %v", err)
	}
}

func TestAnIdentityServerThatAPIManagerCannotUseIsNamedWithItsAddress(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	manager := apimtest.KeyManager() // wrong from the start: an application with keys could not be removed later
	manager["clientRegistrationEndpoint"] = "https://wso2is.km:9443/api/identity/oauth2/dcr/v1.1/register"
	if _, err := w.Client().CreateKeyManager(context.Background(), manager); err != nil {
		t.Fatal(err)
	}
	carbontest.Eventually(t, "it is known where keys are made", func() bool {
		_, err := arc(w).Run(context.Background(), config.VerifyToken)
		wantText(t, err, "generating keys", "https://wso2is.km:9443/", "look at its log")
		return strings.Contains(err.Error(), "500 (900967)")
	})
	checkNothingLeft(t, w)
}

func TestATransientFailureOfAPIManagerIsNotABrokenLink(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{Settings: map[string]string{wso2am.VarRegistrationFailures: "1"}})
	_, err := arc(w).Run(context.Background(), config.VerifyHealth)
	wantText(t, err, "500", "Dynamic Client Registration Service not available")
	_, err = arc(w).Run(context.Background(), config.VerifyHealth)
	wantBroken(t, err, "is not registered") // the second attempt gets through
}

func TestAnOpaqueTokenIsRefusedWithTheNextMove(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	w.Register(t, apimtest.KeyManager())
	w.Before(func(r *http.Request) error {
		return rewrite(r, "/applications", `"tokenType":"JWT"`, `"tokenType":"OAUTH"`)
	})
	_, err := arc(w).Run(context.Background(), config.VerifyToken)
	wantBroken(t, err, "opaque token", "access token type to JWT")
	checkNothingLeft(t, w)
}

// rewrite changes the body of a POST to a path that ends so.
func rewrite(r *http.Request, path, old, text string) error {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, path) {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	changed := bytes.Replace(body, []byte(old), []byte(text), 1)
	if bytes.Equal(body, changed) {
		return fmt.Errorf("%s is not in %s", old, body)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(changed)), nil }
	return nil
}

func TestAnIdentityServerThatIsNotTheKeyManagersRefusesItsClients(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	w.Register(t, apimtest.KeyManager())
	w.Before(func(r *http.Request) error {
		if r.Host == carbontest.ISService+":9443" && r.URL.Path == "/oauth2/token" {
			r.SetBasicAuth("unknown here", "secret")
		}
		return nil
	})
	_, err := arc(w).Run(context.Background(), config.VerifyToken)
	wantBroken(t, err, "does not accept the client", "client registration endpoint "+apimtest.IdentityServer)
	checkNothingLeft(t, w)
}
