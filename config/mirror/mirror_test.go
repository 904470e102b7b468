package mirror

import (
	"strings"
	"testing"
)

func TestMirrorsRedirectHosts(t *testing.T) {
	mirrors, err := Parse("docker.io=http://127.0.0.1:41001, helm.wso2.com=http://127.0.0.1:41002/charts,ghcr.io=https://mirror.example.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host, endpoint string
		plain          bool
	}{
		{"docker.io", "127.0.0.1:41001", true},
		{"index.docker.io", "127.0.0.1:41001", true},
		{"ghcr.io", "mirror.example.com", false},
		{"quay.io", "quay.io", false},
	} {
		if endpoint, plain := mirrors.Registry(c.host); endpoint != c.endpoint || plain != c.plain {
			t.Errorf("Registry(%s) = %s, %t", c.host, endpoint, plain)
		}
	}
	for from, want := range map[string]string{
		"https://helm.wso2.com":                   "http://127.0.0.1:41002/charts",
		"https://helm.wso2.com/index.yaml?a=b":    "http://127.0.0.1:41002/charts/index.yaml?a=b",
		"https://helm.wso2.com/a%2Fb/c.tgz":       "http://127.0.0.1:41002/charts/a%2Fb/c.tgz",
		"https://ghcr.io/folder/":                 "https://mirror.example.com/folder/",
		"https://maven.wso2.org/nexus/a.jar":      "https://maven.wso2.org/nexus/a.jar",
		"oci://docker.io/envoyproxy/gateway-helm": "oci://docker.io/envoyproxy/gateway-helm",
		"charts/local.tgz":                        "charts/local.tgz",
		"https://HELM.wso2.com/index.yaml":        "http://127.0.0.1:41002/charts/index.yaml",
	} {
		if got := mirrors.URL(from); got != want {
			t.Errorf("URL(%s) = %s, want %s", from, got, want)
		}
	}
	again, err := Parse(mirrors.String())
	if err != nil || again.String() != mirrors.String() {
		t.Errorf("%s does not read back: %v", mirrors, err)
	}
}

func TestNoMirrorsLeaveEverythingAlone(t *testing.T) {
	var none Map
	if endpoint, plain := none.Registry("docker.io"); endpoint != "docker.io" || plain {
		t.Errorf("got %s, %t", endpoint, plain)
	}
	if got := none.URL("https://helm.wso2.com/x"); got != "https://helm.wso2.com/x" {
		t.Errorf("got %s", got)
	}
}

func TestWrongMirrorsAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"docker.io":                                "is not host=url",
		"docker.io=127.0.0.1:5000":                 "is not a base URL",
		"docker.io=ftp://a":                        "is not a base URL",
		"https://docker.io=http://a":               "is not a host",
		"docker.io=http://a,docker.io=http://b":    "has two mirrors",
		"docker.io=https://me:hush@mirror.example": "docker config",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush") {
			t.Errorf("Parse(%s): %v, want %q", text, err, says)
		}
	}
}
