package contain_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"

	"lockstep/sandbox/dns"
	"lockstep/sandbox/node/contain"
	"lockstep/sandbox/node/podnet"
	"lockstep/sandbox/process"
)

// instance is the S of a sandbox that no other test has.
const instance = 249

// TestMain is also the inside of the containers, and the program in them.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == contain.Command:
		// Not on the thread that the node started, as it may happen.
		runtime.LockOSThread()
		done := make(chan error)
		go func() { done <- contain.Inside() }()
		if err := <-done; err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case len(os.Args) > 2 && os.Args[1] == "node":
		fmt.Fprintln(os.Stderr, beNode(os.Args[2]))
		os.Exit(1)
	case os.Args[0] == "program":
		fmt.Fprintln(os.Stderr, serveAll())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serveAll serves on all addresses what the query asks it to: a file, or an answer from elsewhere.
func serveAll() error {
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		data, err := os.ReadFile(r.URL.Query().Get("name"))
		_, _ = fmt.Fprint(w, string(data), err)
	})
	http.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL.Query().Get("url"), nil)
		if err == nil {
			var response *http.Response
			if response, err = http.DefaultClient.Do(request); err == nil {
				_, _ = io.Copy(w, response.Body)
				return
			}
		}
		_, _ = fmt.Fprint(w, err)
	})
	return http.ListenAndServe(":9443", nil)
}

// A running container, its files and what it wrote.
type running struct {
	root, shared string
	log          bytes.Buffer
	stop         func()
}

func TestARealProgramLivesInThePodsNetworkAndFiles(t *testing.T) {
	if err := contain.Available(os.Args[0]); err != nil {
		t.Skipf("this machine cannot run containers: %v", err)
	}
	listen(t, fmt.Sprintf("127.%d.1.2:28080", instance), "from another pod")
	api := listen(t, "127.0.0.1:0", "from the API server")
	c := start(t, api)

	answers := func(query string) string {
		t.Helper()
		response, err := http.Get(fmt.Sprintf("http://127.%d.1.1:29443/%s", instance, query))
		if err != nil {
			t.Fatalf("asking the program: %v\n%s", err, c.log.String())
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for _, test := range []struct{ name, query, want string }{
		{"a file of the image", "file?name=/etc/config", "of the image"},
		{"a file that the pod's containers share", "file?name=/shared/note", "shared"},
		{"no file of the host", "file?name=" + os.Args[0], "no such file"},
		{"a pod by its address", fmt.Sprintf("get?url=http://10.%d.1.2:8080/", instance), "from another pod"},
		{"a Service by its short name and port", "get?url=http://products/", "from another pod"},
		{"a Service by its long name", "get?url=http://products.apim.svc.cluster.local/", "from another pod"},
		{"the API server by its Service", "get?url=http://10.255.0.1:443/", "from the API server"},
		{"itself by the pod's address", fmt.Sprintf("get?url=http://10.%d.1.1:9443/file?name=/etc/config", instance), "of the image"},
		{"a pod that does not listen", fmt.Sprintf("get?url=http://10.%d.1.3:8080/", instance), "connection refused"},
		{"a Service without pods", "get?url=http://idle/", "connection refused"},
		{"a name that is not the cluster's", "get?url=http://am.example.com/", "no such host"},
	} {
		if got := answers(test.query); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	c.stop()
	if _, err := net.Dial("tcp", fmt.Sprintf("127.%d.1.1:29443", instance)); err == nil {
		t.Error("the pod's port is open after its program has ended")
	}
	if _, err := os.Stat(filepath.Join(c.root, "proc", "self")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is still mounted: %v", err)
	}
}

func TestNoProgramOutlivesItsNode(t *testing.T) {
	if err := contain.Available(os.Args[0]); err != nil {
		t.Skipf("this machine cannot run containers: %v", err)
	}
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, "usr/local/bin"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "usr/local/bin/program"), nil, 0o755))
	node := exec.Command(os.Args[0], "node", root)
	told, err := node.StdoutPipe()
	must(t, err)
	must(t, process.StartChild(node))
	var pid int
	if _, err := fmt.Fscan(told, &pid); err != nil {
		t.Fatal(err)
	}
	for !slices.Contains(commandOf(pid), "program") { // until it is the program
	}
	must(t, node.Process.Kill())
	_ = node.Wait()
	deadline := time.Now().Add(5 * time.Second)
	for slices.Contains(commandOf(pid), "program") {
		if time.Now().After(deadline) {
			t.Fatalf("process %d runs on", pid)
		}
	}
}

func commandOf(pid int) []string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.Split(string(data), "\x00")
}

// beNode starts a container and tells its process, until somebody kills it.
func beNode(root string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	running, _, err := contain.Start(self, contain.Container{Root: root, Program: self, At: "/usr/local/bin/program", Args: []string{"program"},
		Address: netip.AddrFrom4([4]byte{10, instance, 1, 9})}, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Println(running.PID())
	<-running.Done()
	return errors.New("the program ended")
}

func TestAContainerThatCannotStartSaysWhy(t *testing.T) {
	if err := contain.Available(os.Args[0]); err != nil {
		t.Skipf("this machine cannot run containers: %v", err)
	}
	var log bytes.Buffer
	root := t.TempDir()
	run, device, err := contain.Start(os.Args[0], contain.Container{
		Root: root, Program: "/missing", At: "/program", Args: []string{"program"}, Address: netip.MustParseAddr("10.249.1.1"),
	}, &log)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	<-run.Done()
	if run.Code() != 1 || !strings.Contains(log.String(), "mounting /missing") {
		t.Errorf("code %d, log %q", run.Code(), log.String())
	}
}

// listen answers every request at an address of the host.
func listen(t *testing.T, address, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func start(t *testing.T, api string) *running {
	t.Helper()
	c := &running{root: t.TempDir(), shared: t.TempDir()}
	for path, content := range map[string]string{
		c.root + "/etc/config": "of the image", c.root + "/usr/local/bin/program": "a placeholder", c.shared + "/note": "shared",
		c.root + "/etc/resolv.conf": fmt.Sprintf("search apim.svc.cluster.local svc.cluster.local\nnameserver %s\noptions ndots:5\n", podnet.Nameserver),
	} {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(content), 0o644))
	}
	self, err := os.Executable()
	must(t, err)
	address := netip.AddrFrom4([4]byte{10, instance, 1, 1})
	run, device, err := contain.Start(self, contain.Container{
		Root: c.root, Program: self, At: "/usr/local/bin/program", Args: []string{"program"}, Address: address,
		Binds: []contain.Bind{{From: c.shared, To: "/shared"}},
	}, &c.log)
	must(t, err)
	network, err := podnet.New(device, podnet.Options{Address: address, Instance: instance, Index: index(t), APIServer: api})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go network.Follow(ctx, run.PID(), func(port uint16, err error) {
		if err != nil {
			t.Error(err)
		}
	})
	c.stop = func() {
		run.Stop(0)
		cancel()
		network.Close()
	}
	t.Cleanup(c.stop)
	for {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.%d.1.1:29443", instance))
		if err == nil {
			_ = conn.Close()
			return c
		}
		select {
		case <-run.Done():
			t.Fatalf("the program ended with code %d: %s", run.Code(), c.log.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// index knows the Service products, port 80 to 8080 of one pod, and idle without pods.
func index(t *testing.T) dns.Index {
	t.Helper()
	services := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	slices := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for name, ip := range map[string]string{"products": "127.255.3.4", "idle": "127.255.3.5"} {
		must(t, services.Add(&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "apim"},
			Spec:       corev1.ServiceSpec{ClusterIP: ip, Ports: []corev1.ServicePort{{Port: 80}}},
		}))
	}
	name, port := "", int32(8080)
	must(t, slices.Add(&discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "products-1", Namespace: "apim", Labels: map[string]string{discoveryv1.LabelServiceName: "products"}},
		Ports:      []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{fmt.Sprintf("10.%d.1.2", instance)}}},
	}))
	return dns.Index{Services: corelisters.NewServiceLister(services), Slices: discoverylisters.NewEndpointSliceLister(slices), Instance: instance}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
