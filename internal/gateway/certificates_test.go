package gateway

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
)

func TestListenersThatShareACertificateGetTheirOwnAndBack(t *testing.T) {
	env := config.Environment{Name: "dev", Namespace: "apim"}
	env.Default()
	own, shared, brought := gateway(env), gateway(env), env
	brought.Certificates.GatewayTLS = config.FormerListenerSecret
	shared.Object["spec"] = gateway(brought).Object["spec"]
	was := shared.DeepCopy()

	if !Uses(shared, config.FormerListenerSecret) || Uses(own, config.FormerListenerSecret) || !Uses(own, "keymanager-https-tls") {
		t.Error("who uses which Secret is not told")
	}
	if Separate(env, own) || Share(env, shared) {
		t.Error("what is so already was changed")
	}
	if !Separate(env, shared) || cmp.Diff(own.Object["spec"], shared.Object["spec"]) != "" {
		t.Errorf("separated:\n%s", cmp.Diff(own.Object["spec"], shared.Object["spec"]))
	}
	if !Share(env, shared) || cmp.Diff(was.Object, shared.Object) != "" {
		t.Errorf("shared again:\n%s", cmp.Diff(was.Object, shared.Object))
	}
}

func TestListenersOfSomebodyElseKeepTheirCertificates(t *testing.T) {
	env := config.Environment{Name: "dev", Namespace: "apim"}
	env.Default()
	live := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"listeners": []any{
		map[string]any{"name": "theirs", "tls": map[string]any{"certificateRefs": []any{map[string]any{"name": config.FormerListenerSecret}}}},
		map[string]any{"name": "plain", "port": int64(80)},
		map[string]any{"name": "gateway-https", "tls": map[string]any{"certificateRefs": []any{map[string]any{"name": "by-hand"}}}},
	}}}}
	if Separate(env, live) || Share(env, live) || !Uses(live, config.FormerListenerSecret) {
		t.Error("they were changed, or their use is not seen")
	}
}
