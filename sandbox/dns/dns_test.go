package dns_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	"lockstep/sandbox/dns"
	"lockstep/sandbox/simulate"
)

// Instance 7, two ready pods and one that is not behind gateway (443 → targetPort), one behind the headless db, none
// behind idle.
func testIndex(t *testing.T, targetPort int32) dns.Index {
	t.Helper()
	services := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	slices := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, svc := range []*corev1.Service{
		service("gateway", "10.96.0.7", corev1.ServicePort{Name: "https", Port: 443}),
		service("db", corev1.ClusterIPNone, corev1.ServicePort{Port: 5432}),
		service("idle", "10.96.0.8", corev1.ServicePort{Port: 80}),
	} {
		must(t, services.Add(svc))
	}
	must(t, slices.Add(&discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "gateway-1", Namespace: "apim", Labels: map[string]string{discoveryv1.LabelServiceName: "gateway"}},
		Ports:      []discoveryv1.EndpointPort{{Name: ptr.To("https"), Port: ptr.To(targetPort)}},
		Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{"10.7.1.2"}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)}},
			{Addresses: []string{"10.7.1.3"}},
			{Addresses: []string{"10.7.1.4"}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(false)}},
		},
	}))
	must(t, slices.Add(&discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "db-1", Namespace: "apim", Labels: map[string]string{discoveryv1.LabelServiceName: "db"}},
		Ports:      []discoveryv1.EndpointPort{{Name: ptr.To(""), Port: ptr.To(int32(5432))}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.7.2.1"}, Hostname: ptr.To("db-0")}},
	}))
	return dns.Index{
		Services: corelisters.NewServiceLister(services),
		Slices:   discoverylisters.NewEndpointSliceLister(slices),
		Instance: 7,
	}
}

func service(name, clusterIP string, port corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "apim"},
		Spec:       corev1.ServiceSpec{ClusterIP: clusterIP, Ports: []corev1.ServicePort{port}},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestServiceNamesBecomeTheLoopbackAddressesOfReadyPods(t *testing.T) {
	index := testIndex(t, 10443)
	for _, test := range []struct {
		name, query string
		qtype       uint16
		rcode       int
		want        []string // the last fields of each record, additional ones too
	}{
		{"a service", "gateway.apim.svc.cluster.local.", mdns.TypeA, mdns.RcodeSuccess, []string{"127.7.1.2", "127.7.1.3"}},
		{"upper case", "Gateway.APIM.svc.cluster.local.", mdns.TypeA, mdns.RcodeSuccess, []string{"127.7.1.2", "127.7.1.3"}},
		{"no ready pod", "idle.apim.svc.cluster.local.", mdns.TypeA, mdns.RcodeSuccess, nil},
		{"one pod of a headless service", "db-0.db.apim.svc.cluster.local.", mdns.TypeA, mdns.RcodeSuccess, []string{"127.7.2.1"}},
		{"no such pod", "db-1.db.apim.svc.cluster.local.", mdns.TypeA, mdns.RcodeNameError, nil},
		{"an IPv6 address", "gateway.apim.svc.cluster.local.", mdns.TypeAAAA, mdns.RcodeSuccess, nil},
		{"a named port", "_https._tcp.gateway.apim.svc.cluster.local.", mdns.TypeSRV, mdns.RcodeSuccess, []string{
			"0 1 30443 127-7-1-2.gateway.apim.svc.cluster.local.", "0 1 30443 127-7-1-3.gateway.apim.svc.cluster.local.", "127.7.1.2", "127.7.1.3"}},
		{"no such service", "other.apim.svc.cluster.local.", mdns.TypeA, mdns.RcodeNameError, nil},
		{"no such namespace", "gateway.other.svc.cluster.local.", mdns.TypeA, mdns.RcodeNameError, nil},
		{"a public name", "am.wso2.com.", mdns.TypeA, mdns.RcodeNameError, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			question := new(mdns.Msg)
			question.SetQuestion(test.query, test.qtype)
			answer := index.Answer(question)
			var got []string
			for _, record := range append(answer.Answer, answer.Extra...) {
				got = append(got, strings.TrimPrefix(record.String(), record.Header().String()))
			}
			if answer.Rcode != test.rcode {
				t.Errorf("got %s, want %s", mdns.RcodeToString[answer.Rcode], mdns.RcodeToString[test.rcode])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPodReachesServicesByShortNameAndServicePort(t *testing.T) {
	// The pods' port is whatever the operating system gives, on the address of a pod of instance 7.
	listener, err := net.Listen("tcp", "127.7.1.2:0")
	must(t, err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "hello")
			conn.Close()
		}
	}()
	port := netip.MustParseAddrPort(listener.Addr().String()).Port()
	env := testEnv(t, testIndex(t, int32(port)))

	conn, err := env.Dialer()(t.Context(), "tcp", "gateway:443")
	must(t, err)
	defer conn.Close()
	got, err := io.ReadAll(conn)
	must(t, err)
	if string(got) != "hello" {
		t.Errorf("got %q", got)
	}
}

func TestAddressesResolveAsInThePod(t *testing.T) {
	env := testEnv(t, testIndex(t, 10443))
	for address, want := range map[string][]string{
		"gateway:443":                        {"127.7.1.2:30443", "127.7.1.3:30443"},
		"gateway.apim.svc:443":               {"127.7.1.2:30443", "127.7.1.3:30443"},
		"gateway.apim.svc.cluster.local:443": {"127.7.1.2:30443", "127.7.1.3:30443"},
		"db:1234":                            {"127.7.2.1:21234"},
		"localhost:9443":                     {"127.7.9.9:29443"},
		"127.0.0.1:9443":                     {"127.7.9.9:29443"},
		"10.7.3.4:80":                        {"127.7.3.4:20080"},
		"10.7.255.1:443":                     {"127.7.255.1:443"}, // a load balancer
		"10.8.3.4:80":                        {"10.8.3.4:80"},
	} {
		got, err := env.Resolve(t.Context(), address)
		if err != nil {
			t.Errorf("resolving %s: %v", address, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
}

func TestWhatCannotBeReachedSaysWhy(t *testing.T) {
	dial := testEnv(t, testIndex(t, 10443)).Dialer()
	var missing *net.DNSError
	if _, err := dial(t.Context(), "tcp", "am.wso2.com:443"); !errors.As(err, &missing) || !missing.IsNotFound {
		t.Errorf("a name outside the cluster: got %v, want not found", err)
	}
	for _, address := range []string{"idle:80", "gateway:8443"} {
		if _, err := dial(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: got %v, want connection refused", address, err)
		}
	}
}

// testEnv is a pod in namespace apim whose DNS serves index.
func testEnv(t *testing.T, index dns.Index) simulate.Env {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := free.Addr().String()
	free.Close()

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- dns.Serve(ctx, address, index) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			break
		}
	}
	return simulate.Env{Listen: "127.7.9.9", Namespace: "apim", DNS: address}
}
