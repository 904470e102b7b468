package gateway

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
)

// Ref names the environment's Gateway.
func Ref(env config.Environment) cluster.Ref { return cluster.RefOf(gateway(env)) }

// Separate has the listeners of a live Gateway that share [config.FormerListenerSecret] use Secrets of their own, and says whether any did.
func Separate(env config.Environment, live *unstructured.Unstructured) bool {
	return refer(live, func(listener, now string) string {
		for _, l := range env.Listeners() {
			if l.Name == listener && now == config.FormerListenerSecret {
				return l.Secret
			}
		}
		return now
	})
}

// Share undoes [Separate].
func Share(env config.Environment, live *unstructured.Unstructured) bool {
	return refer(live, func(listener, now string) string {
		for _, l := range env.Listeners() {
			if l.Name == listener && now == l.Secret {
				return config.FormerListenerSecret
			}
		}
		return now
	})
}

// Uses says whether a listener of a live Gateway uses the certificate in a Secret of its namespace.
func Uses(live *unstructured.Unstructured, secret string) (uses bool) {
	refer(live.DeepCopy(), func(_, now string) string {
		uses = uses || now == secret
		return now
	})
	return uses
}

// refer changes the Secrets to which listeners refer, to what is wanted for a listener that refers to one now.
func refer(live *unstructured.Unstructured, wanted func(listener, now string) string) (changed bool) {
	listeners, _, _ := unstructured.NestedSlice(live.Object, "spec", "listeners")
	for _, entry := range listeners {
		listener, _ := entry.(map[string]any)
		name, _, _ := unstructured.NestedString(listener, "name")
		refs, _, _ := unstructured.NestedSlice(listener, "tls", "certificateRefs")
		for _, entry := range refs {
			ref, _ := entry.(map[string]any)
			now, _ := ref["name"].(string)
			if to := wanted(name, now); to != now {
				ref["name"], changed = to, true
			}
		}
		if len(refs) > 0 {
			_ = unstructured.SetNestedSlice(listener, refs, "tls", "certificateRefs") // what was read can be written
		}
	}
	if changed {
		_ = unstructured.SetNestedSlice(live.Object, listeners, "spec", "listeners")
	}
	return changed
}
