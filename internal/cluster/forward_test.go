package cluster_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"

	"lockstep/internal/cluster"
)

// kubelet answers the API server for the node "played": port-forwards go to the same port of loopback.
type kubelet struct {
	upgrades atomic.Int32
}

func (k *kubelet) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if strings.HasPrefix(req.URL.Path, "/containerLogs/") {
		fmt.Fprint(w, "starting\npassword=hunter2\nout of luck\n")
		return
	}
	k.upgrades.Add(1)
	if _, err := httpstream.Handshake(req, w, []string{"portforward.k8s.io"}); err != nil {
		return
	}
	var mu sync.Mutex
	errorStreams := map[string]httpstream.Stream{}
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, req, func(stream httpstream.Stream, replied <-chan struct{}) error {
		id := stream.Headers().Get(corev1.PortForwardRequestIDHeader)
		mu.Lock()
		defer mu.Unlock()
		if stream.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
			errorStreams[id] = stream
			return nil
		}
		failed := errorStreams[id]
		go func() {
			<-replied
			pump(stream, failed)
		}()
		return nil
	})
	if conn != nil {
		<-conn.CloseChan()
	}
}

func pump(stream, failed httpstream.Stream) {
	defer failed.Close()
	defer stream.Reset()
	conn, err := net.Dial("tcp", "127.0.0.1:"+stream.Headers().Get(corev1.PortHeader))
	if err != nil {
		fmt.Fprint(failed, err)
		return
	}
	defer conn.Close()
	go func() {
		_, _ = io.Copy(conn, stream)
		_ = conn.Close()
	}()
	_, _ = io.Copy(stream, conn)
}

// node registers the node "played" with a kubelet.
func (s *suite) node(t *testing.T) *kubelet {
	t.Helper()
	k := &kubelet{}
	server := httptest.NewTLSServer(k)
	t.Cleanup(server.CloseClientConnections)
	nodes := s.kube.CoreV1().Nodes()
	node, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "played"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nodes.Delete(context.WithoutCancel(t.Context()), "played", metav1.DeleteOptions{}) })
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(server.Listener.Addr().(*net.TCPAddr).Port)
	if _, err := nodes.UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	return k
}

// serve makes a ready pod and a Service "web" whose port 80 is the pod's port named http, and 81 one nobody listens on.
func (s *suite) serve(t *testing.T, namespace string, port int) {
	t.Helper()
	labels := map[string]string{"app": "web"}
	closed, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	pod, err := s.kube.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: labels},
		Spec: corev1.PodSpec{NodeName: "played", Containers: []corev1.Container{{
			Name: "main", Image: "x", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: int32(port)}},
		}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.play(t, pod, true, running)
	_, err = s.kube.CoreV1().Services(namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{
			{Name: "a", Port: 80, TargetPort: intstr.FromString("http")}, {Name: "b", Port: 81, TargetPort: intstr.FromInt(closed)},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func testDial(t *testing.T, s *suite) {
	ns := s.namespace(t, "dial")
	kubelet := s.node(t)
	big := make([]byte, 3<<20)
	_, _ = rand.Read(big)
	release := make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/slow" {
			<-release
			return
		}
		body, _ := io.ReadAll(req.Body)
		_, _ = w.Write(append(body, big...))
	}))
	defer backend.Close()
	defer close(release)
	s.serve(t, ns, backend.Listener.Addr().(*net.TCPAddr).Port)
	web := &http.Client{Transport: &http.Transport{DialContext: s.client.Dial(ns, "web"), MaxIdleConns: 1, MaxIdleConnsPerHost: 1}}
	defer web.CloseIdleConnections()

	t.Run("requests side by side share one tunnel", func(t *testing.T) {
		if err := post(web, "warm up", big); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				if err := post(web, "request "+strconv.Itoa(i), big); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := kubelet.upgrades.Load(); n != 1 {
			t.Errorf("%d tunnels", n)
		}
	})
	t.Run("a deadline ends a read that waits", func(t *testing.T) {
		conn, err := s.client.Dial(ns, "web")(t.Context(), "tcp", "ignored:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
		_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a refused connection says so", func(t *testing.T) {
		_, err := web.Get("http://web:81/")
		if err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("after a refusal the next connection works", func(t *testing.T) {
		if err := post(web, "again", big); err != nil {
			t.Error(err)
		}
	})
	t.Run("a port the Service does not have is named", func(t *testing.T) {
		var known *cluster.Error
		if _, err := s.client.Dial(ns, "web")(t.Context(), "tcp", "x:99"); !errors.As(err, &known) || known.Kind != cluster.NotFound {
			t.Errorf("got %v", err)
		}
	})
	t.Run("without a ready pod there is nothing to dial", func(t *testing.T) {
		pod, err := s.kube.CoreV1().Pods(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.play(t, pod, false, running)
		var problem *cluster.Problem
		if _, err := s.client.Dial(ns, "web")(t.Context(), "tcp", "x:80"); !errors.As(err, &problem) || problem.Reason != "NoReadyPod" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the log of a crash is evidence without its secrets", func(t *testing.T) {
		crashed := s.deploy(t, ns, "x:crash")
		s.play(t, crashed, false, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}})
		crashed.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 3, FinishedAt: metav1.Now()}
		live, _ := s.kube.CoreV1().Pods(ns).Get(t.Context(), crashed.Name, metav1.GetOptions{})
		live.Status = crashed.Status
		if _, err := s.kube.CoreV1().Pods(ns).UpdateStatus(t.Context(), live, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		err := <-s.wait(t, ns, 20*time.Second)
		if err == nil || !strings.Contains(err.Error(), "out of luck") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	})
}

func post(client *http.Client, text string, want []byte) error {
	resp, err := client.Post("http://web/", "text/plain", strings.NewReader(text))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, append([]byte(text), want...)) {
		return fmt.Errorf("%s: got %d bytes of something else", text, len(got))
	}
	return nil
}
