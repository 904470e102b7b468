package manifest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestImagesAreTakenApartAsTheyAreWritten(t *testing.T) {
	const digest = "sha256:aaaa"
	for reference, want := range map[string]Image{
		"docker.io/wso2/wso2am:4.7.0":         {"docker.io", "wso2/wso2am", "4.7.0", ""},
		"wso2/wso2am:4.7.0":                   {"docker.io", "wso2/wso2am", "4.7.0", ""},
		"nginx":                               {"docker.io", "library/nginx", "", ""},
		"localhost/team/is@" + digest:         {"localhost", "team/is", "", digest},
		"r.example:5000/a/b/is:1.0@" + digest: {"r.example:5000", "a/b/is", "1.0", digest},
	} {
		got, err := ParseImage(reference)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", reference, got, err)
		}
	}
	for _, reference := range []string{"", "r.example/is@latest", "r.example/"} {
		if _, err := ParseImage(reference); err == nil {
			t.Errorf("%q is accepted", reference)
		}
	}
}

func TestTriesCoverTheWholeTime(t *testing.T) {
	for limit, want := range map[time.Duration]int{15 * time.Minute: 450, 3 * time.Second: 2, 0: 1} {
		if got := Tries(limit, 2*time.Second); got != want {
			t.Errorf("%s: got %d, want %d", limit, got, want)
		}
	}
}

func TestMendingTwiceChangesNothingMore(t *testing.T) {
	pods := workload()
	mend := func() {
		for _, err := range []error{PullWith(pods, "pull"), PullWith(pods, ""), AnnotatePods(pods, "a.example/b", "c"),
			SetEnv(pods, Variable{"NEW", "s", "k"}, Variable{"OLD", "s", "k"}), CheckMounts(pods)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	mend()
	want := pods.DeepCopy()
	mend()
	if diff := cmp.Diff(want.Object, pods.Object); diff != "" {
		t.Errorf("the second time changes (-first +second):\n%s", diff)
	}
	env := pods.Object["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["env"].([]any)
	if len(env) != 2 || env[0].(map[string]any)["value"] != "as the chart says" {
		t.Errorf("variables are %v", env)
	}
}

func TestTOMLThatWouldNotWorkIsRefusedWithoutShowingIt(t *testing.T) {
	config := &unstructured.Unstructured{Object: map[string]any{"kind": "ConfigMap", "metadata": map[string]any{"name": "toml"},
		"data": map[string]any{DeploymentTOML: "[a.b]\npassword = \"secret\"\n"}}}
	first, err := EditTOML(config, func(text string) string { return text })
	if err != nil || len(first) != 64 {
		t.Fatalf("digest %q, %v", first, err)
	}
	_, err = EditTOML(config, func(text string) string { return text + "[a]\n" })
	if err == nil || !strings.Contains(err.Error(), "[a]") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestRenamedObjectsAreRefused(t *testing.T) {
	if err := CheckNames(map[string]any{"nameOverride": "", "other": "x"}); err != nil {
		t.Error(err)
	}
	if err := CheckNames(map[string]any{"fullnameOverride": "x"}); err == nil {
		t.Error("fullnameOverride is accepted")
	}
}

func workload() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"kind": "Deployment", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
			"name":         "web",
			"env":          []any{map[string]any{"name": "OLD", "value": "as the chart says"}},
			"volumeMounts": []any{map[string]any{"name": "a", "mountPath": "/a"}},
		}}}}}}}
}
