package probe

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestExecProbesOfTheChartsAreConnections(t *testing.T) {
	listener, err := net.Listen("tcp", "127.7.1.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, open, _ := net.SplitHostPort(listener.Addr().String())
	const closed = "1"
	for _, test := range []struct {
		name    string
		command []string
		failure string // "" for success
	}{
		{"identity server, up", []string{"/bin/sh", "-c", "nc -z localhost " + open}, ""},
		{"identity server, down", []string{"/bin/sh", "-c", "nc -z localhost " + closed}, "<empty>"},
		{"netcat with options", []string{"nc", "-v", "-w", "2", "-z", "127.0.0.1", open}, ""},
		{"api manager, up", []string{"/bin/sh", "-c", `timeout 1 bash -c "</dev/tcp/localhost/` + open + `"`}, ""},
		{"api manager, down", []string{"/bin/sh", "-c", `timeout 1 bash -c "</dev/tcp/localhost/` + closed + `"`}, "/dev/tcp/localhost/1: Connection refused"},
		{"another host", []string{"nc", "-z", "db.example.com", open}, "cannot run"},
		{"anything else", []string{"cat", "/tmp/healthy"}, `cannot run "cat /tmp/healthy"`},
	} {
		handler := corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: test.command}}
		err := NewCheck(handler, nil, "10.7.1.1", "127.7.1.1")(t.Context())
		switch {
		case test.failure == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.failure == "<empty>" && (err == nil || err.Error() != ""):
			t.Errorf("%s: got %v, want a failure without words", test.name, err)
		case test.failure != "" && test.failure != "<empty>" && (err == nil || !strings.Contains(err.Error(), test.failure)):
			t.Errorf("%s: got %v, want %q", test.name, err, test.failure)
		}
	}
}

func TestHTTPProbesReachThePodAndSpeakOfItsAddress(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == "is.example.com":
			w.WriteHeader(http.StatusTeapot)
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "https://elsewhere.example.com/", http.StatusFound)
		case r.URL.Path != "/health":
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	listener, err := net.Listen("tcp", "127.7.1.2:0")
	if err != nil {
		t.Fatal(err)
	}
	server.Listener.Close()
	server.Listener = listener
	server.StartTLS() // with a certificate that nobody trusts
	defer server.Close()
	port := int32(netip.MustParseAddrPort(listener.Addr().String()).Port())
	ports := []corev1.ContainerPort{{Name: "https", ContainerPort: port}}
	for _, test := range []struct {
		name    string
		get     corev1.HTTPGetAction
		failure string
	}{
		{"healthy", corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(port)}, ""},
		{"a port by name", corev1.HTTPGetAction{Path: "health", Port: intstr.FromString("https")}, ""},
		{"a redirect elsewhere", corev1.HTTPGetAction{Path: "/moved", Port: intstr.FromInt32(port)}, ""},
		{"unhealthy", corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(port)}, "HTTP probe failed with statuscode: 503"},
		{"a Host header", corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(port),
			HTTPHeaders: []corev1.HTTPHeader{{Name: "Host", Value: "is.example.com"}}}, "statuscode: 418"},
		{"nobody listens", corev1.HTTPGetAction{Path: "/health", Port: intstr.FromInt32(1)}, `Get "https://10.7.1.2:1/health": dial tcp 10.7.1.2:1: connect: connection refused`},
		{"no such port", corev1.HTTPGetAction{Port: intstr.FromString("admin")}, `couldn't find port "admin"`},
	} {
		test.get.Scheme = corev1.URISchemeHTTPS
		err := NewCheck(corev1.ProbeHandler{HTTPGet: &test.get}, ports, "10.7.1.2", "127.7.1.2")(t.Context())
		if test.failure == "" && err != nil || test.failure != "" && (err == nil || !strings.Contains(err.Error(), test.failure)) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.failure)
		}
	}
}
