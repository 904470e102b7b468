package chaos

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"testing"

	"lockstep/sandbox/registry"
	"lockstep/test/world"
)

// prepare brings the environment into the state that an operation begins from, without faults, and learns on the way how the state
// looks that it leads to.
func (s *site) prepare(t testing.TB, o Operation) {
	t.Helper()
	s.arm(t)
	s.EmptyCache(t)
	if _, known := s.references[o.To]; !known {
		s.bring(t, o.To)
	}
	switch {
	case o.From != "":
		s.bring(t, o.From)
		if o.From == Nothing {
			s.forgetImages(t)
		}
	case s.now != Deployed && s.now != Changed:
		s.bring(t, Deployed)
	}
}

// bring has the environment as it is after undisturbed operations.
func (s *site) bring(t testing.TB, state State) {
	t.Helper()
	if s.now == state {
		if _, known := s.references[state]; known {
			return
		}
	}
	switch state {
	case Nothing:
		s.Absent(t)
	case Deployed:
		s.bring(t, Nothing)
		s.Expect(t, world.Done, "deploy", "-f", file(t, state))
	case Changed:
		s.bring(t, Deployed)
		s.Expect(t, world.Done, "deploy", "-f", file(t, state))
	}
	if _, known := s.references[state]; !known {
		s.references[state] = s.fingerprint(t)
	}
	s.now = state
}

// arguments are what is typed for an operation.
func (s *site) arguments(t testing.TB, o Operation) []string {
	t.Helper()
	switch {
	case o.Teardown:
		return []string{"teardown", "--purge", "-f", file(t, Deployed)}
	case o.Fails:
		return []string{"deploy", "-f", failing(t, o.From)}
	default:
		return []string{"deploy", "-f", file(t, o.To)}
	}
}

// changes are what a changed environment has: an image with one more file, and other values of both products.
func changes(t testing.TB) map[string]any {
	t.Helper()
	jar, err := registry.HandlerJAR()
	if err != nil {
		t.Fatal(err)
	}
	sidecar := fmt.Sprintf("%x", sha1.Sum(jar))
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(sidecar)))
	return map[string]any{
		"image.artifacts": []any{
			map[string]any{"url": handlerURL},
			map[string]any{"url": handlerURL + ".sha1", "sha256": digest, "destination": "repository/resources/"},
		},
		"apiManager.values.wso2.deployment.resources.requests.cpu": "1500m",
	}
}

const handlerURL = "https://maven.wso2.org" + registry.HandlerPath

// file is the environment file of a state.
func file(t testing.TB, state State) string {
	t.Helper()
	if state == Changed {
		return world.File(t, changes(t))
	}
	return world.File(t, nil)
}

// failing makes API Manager of a state refuse to start.
func failing(t testing.TB, state State) string {
	t.Helper()
	all := map[string]any{}
	if state == Changed {
		all = changes(t)
	}
	all["apiManager.values.wso2.apim.configurations.userStore.type"] = "$ref{nothing.here}"
	return world.File(t, all)
}
