package image

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"lockstep/config"
	"lockstep/internal/failure"
)

// account is whom a keychain speaks to an image's registry as, "" if as nobody.
func account(t *testing.T, keychain authn.Keychain, reference string) string {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := keychain.Resolve(ref.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := auth.Authorization()
	if err != nil {
		t.Fatal(err)
	}
	if got.Username == "" {
		return got.IdentityToken
	}
	return got.Username + ":" + got.Password
}

func TestUserAndPasswordGoToTheTargetsRegistryOnly(t *testing.T) {
	keychain, err := StaticKeychain(config.Image{Base: "docker.io/wso2/wso2is:7.2.0", Target: "registry.example.com:5000/team/is:1"}, "user", "password")
	if err != nil {
		t.Fatal(err)
	}
	for reference, want := range map[string]string{
		"registry.example.com:5000/team/is:1":    "user:password",
		"registry.example.com:5000/other/base:1": "user:password",
		"docker.io/wso2/wso2is:7.2.0":            "",
		"registry.example.com/team/is:1":         "",
		"example.com:5000/team/is:1":             "",
	} {
		if got := account(t, keychain, reference); got != want {
			t.Errorf("%s: speaks as %q, not %q", reference, got, want)
		}
	}
	if _, err := StaticKeychain(config.Image{Target: "Not A Reference"}, "user", "password"); !failure.Is(err, failure.InvalidConfig) || strings.Contains(err.Error(), "password") {
		t.Errorf("got %v", err)
	}
}

func encoded(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

func TestADockerConfigIsReadAsPodsReadIt(t *testing.T) {
	keychain, err := DockerConfigKeychain(t.Context(), fmt.Appendf(nil, `{"auths": {
		"https://index.docker.io/v1/": {"auth": %q},
		"registry.example.com": {"username": "host", "password": "b"},
		"registry.example.com/team": {"auth": %q},
		"https://secure.example.com": {"username": "https", "password": "d"},
		"https://api.example.com/v2/": {"username": "api", "password": "e"},
		"http://plain.example.com:5000/": {"username": "plain", "password": "f"},
		"token.example.com": {"identitytoken": "token"},
		"helper.example.com": {}
	}, "credsStore": "desktop"}`, encoded("hub", "a:with:colons"), encoded("team", "c")))
	if err != nil {
		t.Fatal(err)
	}
	for reference, want := range map[string]string{
		"wso2/wso2is:7.2.0":                      "hub:a:with:colons",
		"docker.io/wso2/wso2is:7.2.0":            "hub:a:with:colons",
		"index.docker.io/wso2/wso2is":            "hub:a:with:colons",
		"registry.example.com/other/is:1":        "host:b",
		"registry.example.com/team/is:1":         "team:c",
		"registry.example.com/teamwork/is:1":     "host:b",
		"registry.example.com:5000/team/is:1":    "",
		"secure.example.com/is:1":                "https:d",
		"api.example.com/is:1":                   "api:e",
		"plain.example.com:5000/is:1":            "plain:f",
		"token.example.com/is:1":                 "token",
		"helper.example.com/is:1":                "",
		"elsewhere.example.com/index.docker.io/": "",
	} {
		if got := account(t, keychain, strings.TrimSuffix(reference, "/")); got != want {
			t.Errorf("%s: speaks as %q, not %q", reference, got, want)
		}
	}
}

func TestDockerHubIsKnownByAllItsNames(t *testing.T) {
	for _, key := range []string{"docker.io", "https://docker.io", "index.docker.io", "https://index.docker.io/v1/", "https://registry-1.docker.io/v2/"} {
		keychain, err := DockerConfigKeychain(t.Context(), fmt.Appendf(nil, `{"auths": {%q: {"auth": %q}}}`, key, encoded("hub", "a")))
		if err != nil {
			t.Fatal(err)
		}
		if got := account(t, keychain, "wso2/wso2is"); got != "hub:a" {
			t.Errorf("%s: speaks as %q", key, got)
		}
	}
}

func TestADockerConfigThatCannotBeReadIsNotQuoted(t *testing.T) {
	for _, text := range []string{"s3cret", `{"auths": {"a": {"auth": "s3cret!"}}}`, `{"auths": {"a": "s3cret"}}`} {
		_, err := DockerConfigKeychain(t.Context(), []byte(text))
		if !failure.Is(err, failure.InvalidConfig) || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "kubectl create secret docker-registry") {
			t.Errorf("got %v", err)
		}
	}
}

// locked makes the registry answer to that account only.
func locked(w *world, user, password string) {
	want := "Basic " + encoded(user, password)
	w.registry.failWith(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == want {
			return false
		}
		rw.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		rw.WriteHeader(http.StatusUnauthorized)
		return true
	})
}

func TestAnImageIsResolvedToItsDigestUnderTheNameTheClusterKnows(t *testing.T) {
	w := newWorld(t)
	image := server(t, "amd64", "802")
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	w.registry.push(t, "wso2/wso2am:4.7.0", image)
	want := "docker.io/wso2/wso2am@" + digest.String()
	for _, reference := range []string{"wso2/wso2am:4.7.0", "docker.io/wso2/wso2am:4.7.0", "index.docker.io/wso2/wso2am:4.7.0", want} {
		got, err := w.builder.Resolve(context.Background(), "apiManager.image", reference, nil)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v", reference, got, err)
		}
	}
}

func TestWhatCannotBeResolvedSaysWhyAndWhichSetting(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2am:4.7.0", server(t, "amd64", "802"))
	check := func(reference string, kind failure.Kind, texts ...string) {
		t.Helper()
		_, err := w.builder.Resolve(context.Background(), "apiManager.image", reference, nil)
		if failure.KindOf(err) != kind {
			t.Errorf("%s: got %v, want %v", reference, err, kind)
			return
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q is not in: %v", reference, text, err)
			}
		}
	}
	check("wso2/wso2am:4.8.0", failure.NotFound, "docker.io does not have it", "correct apiManager.image")
	check("wso2/wso2am@sha256:"+strings.Repeat("0", 64), failure.NotFound, "correct apiManager.image")
	check("Not A Reference", failure.InvalidConfig, "apiManager.image")
	locked(w, "user", "password")
	check("wso2/wso2am:4.7.0", failure.Unauthorized, "log the worker in to docker.io (mirror "+w.registry.host()+")", "image.pullSecret")
}

// The registry that is spoken to has an address of its own: http://127.0.0.1:<port>.
func TestCredentialsOfTheEnvironmentAreFoundByTheNameItUsesForTheRegistry(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	w := newWorld(t)
	w.registry.push(t, "team/is:1", server(t, "amd64", "802"))
	locked(w, "user", "password")
	for name, auths := range map[string]string{
		"by the registry's name": `{"registry.example.com": {"username": "user", "password": "password"}}`,
		"by its mirror's":        fmt.Sprintf(`{%q: {"username": "user", "password": "password"}}`, w.registry.host()),
	} {
		t.Run(name, func(t *testing.T) {
			keychain, err := DockerConfigKeychain(t.Context(), []byte(`{"auths": `+auths+`}`))
			if err != nil {
				t.Fatal(err)
			}
			builder := New(Options{HTTP: w.builder.http, Mirrors: w.builder.rule.Mirrors, Keychain: keychain})
			if _, err := builder.Resolve(context.Background(), "image.target", "registry.example.com/team/is:1", nil); err != nil {
				t.Error(err)
			}
			if err := builder.Writable(context.Background(), "registry.example.com/team/is:1", nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheWorkersDockerConfigIsAskedForTheHostThatIsSpokenTo(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "team/is:1", server(t, "amd64", "802"))
	locked(w, "user", "password")
	got := map[string]bool{}
	for key, host := range map[string]string{"the mirror": w.registry.host(), "the original": "registry.example.com"} {
		folder := t.TempDir()
		text := fmt.Appendf(nil, `{"auths": {%q: {"auth": %q}}}`, host, encoded("user", "password"))
		if err := os.WriteFile(filepath.Join(folder, "config.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("DOCKER_CONFIG", folder)
		_, err := w.builder.Resolve(context.Background(), "image.target", "registry.example.com/team/is:1", nil)
		got[key] = err == nil
	}
	if diff := cmp.Diff(map[string]bool{"the mirror": true, "the original": false}, got); diff != "" {
		t.Errorf("let in by the account for (-want +got):\n%s", diff)
	}
}
