package testbed

import (
	"strings"
	"testing"
)

func TestATestThatNeedsASandboxRefusesAnotherCluster(t *testing.T) {
	t.Setenv(kubeconfigVar, "")
	if why := refusal("it kills etcd"); why != "" {
		t.Errorf("in a sandbox it says %q", why)
	}
	t.Setenv(kubeconfigVar, "/home/me/kind.yaml")
	for _, part := range []string{"needs a sandbox: it kills etcd", "/home/me/kind.yaml", "without " + kubeconfigVar, "docs/testing.md"} {
		if why := refusal("it kills etcd"); !strings.Contains(why, part) {
			t.Errorf("%q says nothing of %q", why, part)
		}
	}
}
