package carbon_test

import (
	"maps"
	"path"
	"strings"
	"testing"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/carbon/carbontest"
)

const home = "/home/wso2carbon/wso2is-7.2.0"

var variables = map[string]string{"WSO2_SERVER_HOME": home, "PASSWORD": carbontest.Password}

const goodToml = `
[keystore.primary]
file_name = "primary.p12"
type = "PKCS12"
password = "$env{PASSWORD}"
alias = "1"
key_password = "$env{PASSWORD}"
[keystore.tls]
file_name = "tls.p12"
type = "PKCS12"
password = "$env{PASSWORD}"
alias = "1"
key_password = "$env{PASSWORD}"
[truststore]
file_name = "client-truststore.p12"
type = "PKCS12"
password = "$env{PASSWORD}"
`

func start(t *testing.T, toml string, stores map[string][]byte) (*carbon.Server, error) {
	t.Helper()
	files := map[string][]byte{"/home/wso2carbon/wso2-config-volume/repository/conf/deployment.toml": []byte(toml)}
	for name, data := range stores {
		files[path.Join(home, "repository/resources/security", name)] = data
	}
	pod := carbontest.NewPod(t, &carbontest.Network{}, files, variables)
	return carbon.New(pod.Env, carbon.Product{Program: "test", StoreType: "PKCS12", StoreSuffix: ".p12"})
}

func TestAServerStartsWithStoresOfEitherFormat(t *testing.T) {
	minted := carbontest.Mint(t)
	if _, err := start(t, goodToml, minted.IS); err != nil {
		t.Errorf("PKCS12: %v", err)
	}
	jks := strings.NewReplacer(".p12", ".jks", `"PKCS12"`, `"JKS"`, `"1"`, `"wso2carbon"`).Replace(goodToml)
	if _, err := start(t, jks, minted.APIM); err != nil {
		t.Errorf("JKS: %v", err)
	}
}

func TestAServerWithWrongStoresCrashesAsJavaDoes(t *testing.T) {
	minted := carbontest.Mint(t)
	without := func(name string) map[string][]byte {
		stores := maps.Clone(minted.IS)
		delete(stores, name)
		return stores
	}
	toml := func(old, new string) string { return strings.Replace(goodToml, old, new, 1) }
	tests := []struct {
		name   string
		toml   string
		stores map[string][]byte
		want   string
	}{
		{"TLS store missing", goodToml, without("tls.p12"), "java.io.FileNotFoundException: " + home + "/repository/resources/security/tls.p12"},
		{"truststore missing", goodToml, without("client-truststore.p12"), "truststore client-truststore.p12: java.io.FileNotFoundException"},
		{"wrong password", toml("$env{PASSWORD}", "wrong"), minted.IS, "password was incorrect"},
		{"wrong alias", toml(`alias = "1"`, `alias = "other"`), minted.IS, `the alias "other" is not a key entry`},
		{"key password differs", toml(`key_password = "$env{PASSWORD}"`, `key_password = "other"`), minted.IS, "Cannot recover key"},
		{"unknown type", toml(`"PKCS12"`, `"BCFKS"`), minted.IS, "BCFKS not found"},
		{"no store at all", toml("[truststore]", "[ignored]"), minted.IS, "Keystore was tampered with, or password was incorrect"},
		{"garbage", goodToml, with(minted.IS, "tls.p12", []byte("garbage")), "Invalid keystore format"},
		{"no deployment.toml", "[a", minted.IS, "ConfigParserException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := start(t, test.toml, test.stores); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func with(stores map[string][]byte, name string, data []byte) map[string][]byte {
	stores = maps.Clone(stores)
	stores[name] = data
	return stores
}

func TestTheArtifactVolumeWinsOverTheConfigVolume(t *testing.T) {
	minted := carbontest.Mint(t)
	files := map[string][]byte{
		"/home/wso2carbon/wso2-config-volume/repository/conf/deployment.toml":   []byte("[server]\nhostname = 'config'\n" + goodToml),
		"/home/wso2carbon/wso2-artifact-volume/repository/conf/deployment.toml": []byte("[server]\nhostname = 'artifact'\n" + goodToml),
	}
	for name, data := range minted.IS {
		files[path.Join(home, "repository/resources/security", name)] = data
	}
	pod := carbontest.NewPod(t, &carbontest.Network{}, files, variables)
	server, err := carbon.New(pod.Env, carbon.Product{StoreType: "PKCS12", StoreSuffix: ".p12"})
	if err != nil {
		t.Fatal(err)
	}
	if got := server.Config.String("server.hostname", ""); got != "artifact" {
		t.Errorf("got the deployment.toml of %q", got)
	}
}

func TestAPKCS12TruststoreTrustsOnlyWhatIsMarkedForJava(t *testing.T) {
	minted := carbontest.Mint(t)
	unmarked := carbontest.PKCS12(t, minted.CA.Issue(t, "unmarked"))
	server, err := start(t, goodToml, with(minted.IS, "client-truststore.p12", unmarked))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Trust.Verify(server.TLS.Chain, ""); err == nil || !strings.Contains(err.Error(), "trustAnchors parameter must be non-empty") {
		t.Errorf("got %v, want the error of an empty set of trust anchors", err)
	}
}
