package matrix

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lockstep/test/world"
)

// settling is how long Kubernetes and the products may take to become again what their objects say: pods start, owners' objects are
// collected, addresses come back.
const settling = time.Minute

// snapshot is the world's, with key managers and applications if API Manager is there. uid is that of API Manager's pod.
func snapshot(t testing.TB, w *world.World) (p world.Snapshot, uid string) {
	t.Helper()
	p = w.Snapshot(t)
	m, found := apiManager(t, w)
	if !found {
		return p, ""
	}
	managers, err := m.client.KeyManagers(t.Context())
	if err != nil {
		return p, "" // it has just gone, or is not ready in spite of its probe
	}
	for _, manager := range managers {
		delete(manager, "id")
		p["key manager "+manager.Name()] = map[string]any(manager)
	}
	for _, name := range m.applications(t) {
		p["application "+name] = true
	}
	return p, m.pod
}

// differences waits until the world is as it was, and says what is not after all.
func differences(t testing.TB, w *world.World, before world.Snapshot, uid string) (names []string, diff string) {
	t.Helper()
	for end := time.Now().Add(settling); ; {
		now, nowUID := snapshot(t, w)
		was := before
		if nowUID != uid { // another pod, another database
			was = withoutApplications(before)
			now = withoutApplications(now)
		}
		if names = was.Changed(now); len(names) == 0 {
			return nil, ""
		}
		if time.Now().After(end) || !slices.ContainsFunc(names, settles) {
			return names, was.Differs(now)
		}
		select {
		case <-t.Context().Done():
			return names, was.Differs(now)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// settles says whether what differs may become as it was by itself. The registry has nothing that does.
func settles(name string) bool {
	return !strings.Contains(name, "manifest ") && !strings.Contains(name, "tag ")
}

func withoutApplications(p world.Snapshot) world.Snapshot {
	rest := world.Snapshot{}
	for name, what := range p {
		if !strings.HasPrefix(name, "application ") {
			rest[name] = what
		}
	}
	return rest
}
