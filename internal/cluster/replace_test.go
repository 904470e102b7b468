package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

func secretsOf(objects ...runtime.Object) *Client {
	return &Client{kube: fake.NewClientset(objects...)}
}

func secretWith(name string, labels map[string]string, value string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "apim", Name: name, Labels: labels}, Data: map[string][]byte{"k": []byte(value)}}
}

func renewed(map[string][]byte) (map[string][]byte, error) {
	return map[string][]byte{"k": []byte("new")}, nil
}

func TestAReplacedSecretIsPutBackOnceAndAnotherAttemptDoesNotReplaceItAgain(t *testing.T) {
	c := secretsOf(secretWith("stores", Labels("dev"), "old"))
	for range 2 {
		if ours, err := c.ReplaceSecret(t.Context(), "apim", "stores", "run", renewed); err != nil || !ours {
			t.Fatal(ours, err)
		}
	}
	is := func(name, want string) {
		t.Helper()
		data, _, err := c.Secret(t.Context(), "apim", name)
		if diff := cmp.Diff(want, string(data["k"])); err != nil || diff != "" {
			t.Error(name, err, diff)
		}
	}
	is("stores", "new")
	is(CopyOf("stores"), "old")
	for range 2 {
		if err := c.PutBackSecret(t.Context(), "apim", "stores", "run"); err != nil {
			t.Fatal(err)
		}
	}
	is("stores", "old")
	is(CopyOf("stores"), "")
}

func TestSecretsOfSomebodyElseAreNeitherReplacedNorRemoved(t *testing.T) {
	c := secretsOf(secretWith("theirs", nil, "old"), secretWith("theirs-former", nil, "kept"), secretWith("ours", Labels("dev"), "old"), secretWith("ours-former", nil, "kept"))
	if ours, err := c.ReplaceSecret(t.Context(), "apim", "theirs", "run", renewed); err != nil || ours {
		t.Error(ours, err)
	}
	if _, err := c.ReplaceSecret(t.Context(), "apim", "ours", "run", renewed); err == nil {
		t.Error("somebody's Secret was overwritten")
	}
	for _, name := range []string{"theirs", "ours"} {
		if err := c.ForgetSecret(t.Context(), "apim", name); err != nil {
			t.Fatal(err)
		}
		if _, found, _ := c.Secret(t.Context(), "apim", CopyOf(name)); !found {
			t.Errorf("%s was removed", CopyOf(name))
		}
	}
}

func TestASecretThatARunMadeIsRemovedAgainByThatRunAlone(t *testing.T) {
	c := secretsOf()
	if err := c.MakeSecret(t.Context(), "apim", "new", "run", corev1.SecretTypeTLS, Labels("dev"), map[string][]byte{"k": []byte("made")}); err != nil {
		t.Fatal(err)
	}
	if ours, err := c.ReplaceSecret(t.Context(), "apim", "new", "run", renewed); err != nil || !ours {
		t.Error("another attempt", ours, err)
	}
	for run, stays := range map[string]bool{"another": true, "run": false} {
		if made, err := c.MadeBy(t.Context(), "apim", "new", run); err != nil || made == stays {
			t.Errorf("made by %s: %v, %v", run, made, err)
		}
	}
	for _, test := range []struct {
		run   string
		stays bool
	}{{"another", true}, {"run", false}, {"run", false}} {
		if err := c.PutBackSecret(t.Context(), "apim", "new", test.run); err != nil {
			t.Fatal(err)
		}
		if data, found, err := c.Secret(t.Context(), "apim", "new"); err != nil || found != test.stays || found && string(data["k"]) != "made" {
			t.Errorf("after %s: %v, %q, %v", test.run, found, data["k"], err)
		}
	}
}
