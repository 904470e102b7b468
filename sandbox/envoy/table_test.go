package envoy

import (
	"strings"
	"testing"
)

func TestRequestsGoWhereTheMostSpecificRouteSays(t *testing.T) {
	documents := strings.Replace(basics, "rules: [", `rules: [
    {matches: [{path: {type: PathPrefix, value: /admin}}], backendRefs: [{kind: Service, name: nope, port: 1}]},
    {matches: [{path: {type: Exact, value: /exact}}], backendRefs: [{kind: Service, name: is, port: 9443}]},
    `, 1)
	w := build(t, documents, newTestCA(t))
	made := w.table(w.gateways[0])
	for name, test := range map[string]struct {
		server, host, path string
		listener           string // "" if none has the server name
		route              string // "" if none takes the request
		backend            bool
	}{
		"the route's prefix":      {"km.example.com", "km.example.com", "/oauth2/token", "keymanager-https", "/", true},
		"a longer prefix first":   {"km.example.com", "km.example.com", "/admin/x", "keymanager-https", "/admin", false},
		"the prefix itself":       {"km.example.com", "km.example.com", "/admin", "keymanager-https", "/admin", false},
		"a prefix is of elements": {"km.example.com", "km.example.com", "/administrator", "keymanager-https", "/", true},
		"an exact path":           {"km.example.com", "km.example.com", "/exact", "keymanager-https", "/exact", true},
		"not below an exact path": {"km.example.com", "km.example.com", "/exact/x", "keymanager-https", "/", true},
		"case does not matter":    {"KM.example.com", "Km.Example.com", "/", "keymanager-https", "/", true},
		"a listener's own routes": {"gw.example.com", "gw.example.com", "/", "gateway-https", "", false},
		"another host":            {"km.example.com", "gw.example.com", "/", "keymanager-https", "", false},
		"another server name":     {"other.example.com", "km.example.com", "/", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := made.listener(10443, test.server)
			if l.name != test.listener {
				t.Errorf("listener %q, want %q", l.name, test.listener)
			}
			route, _ := l.route(test.host, test.path)
			if route.path != test.route || (route.upstream != nil) != test.backend {
				t.Errorf("route %+v, want %q with backend %v", route, test.route, test.backend)
			}
		})
	}
}

func TestHostNamePatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, host string
		want          bool
	}{
		{"*", "a.example.com", true},
		{"*.example.com", "a.example.com", true},
		{"*.example.com", "b.a.example.com", true},
		{"*.example.com", "example.com", false},
		{"a.example.com", "A.example.com", true},
		{"a.example.com", "b.example.com", false},
	} {
		if got := covers(test.pattern, test.host); got != test.want {
			t.Errorf("covers(%q, %q) = %v", test.pattern, test.host, got)
		}
	}
}

func TestOnlyAPolicyOnThePortSecuresABackend(t *testing.T) {
	ca := newTestCA(t)
	for name, test := range map[string]struct {
		old, new string
		secure   bool
	}{
		"the Service":     {"", "", true},
		"its port":        {`kind: Service, name: is}]`, `kind: Service, name: is, sectionName: servlet-https}]`, true},
		"another port":    {`kind: Service, name: is}]`, `kind: Service, name: is, sectionName: other}]`, false},
		"another Service": {`kind: Service, name: is}]`, `kind: Service, name: other}]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, strings.Replace(basics, test.old, test.new, 1), ca)
			to := w.upstream(w.routes[0], w.routes[0].Spec.Rules[0])
			if to.secure != test.secure || to.address != "is.apim.svc.cluster.local:9443" {
				t.Errorf("%+v", to)
			}
		})
	}
}
