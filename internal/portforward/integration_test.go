package portforward_test

import (
	"bytes"
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

	"lockstep/internal/failure"
	"lockstep/internal/portforward"
	"lockstep/sandbox/process"
	"lockstep/test/clustertest"
)

// kubelet answers the API server for the node "played": port-forwards go to the same port of loopback.
type kubelet struct {
	upgrades atomic.Int32
}

func (k *kubelet) ServeHTTP(w http.ResponseWriter, req *http.Request) {
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

// serve makes a ready pod and a Service "web" whose port 80 is the pod's port named http, and 81 one nobody listens on.
func serve(t *testing.T, s *clustertest.Plane, namespace string, port int) {
	t.Helper()
	labels := map[string]string{"app": "web"}
	closed, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	pod, err := s.Kube.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: labels},
		Spec: corev1.PodSpec{NodeName: "played", Containers: []corev1.Container{{
			Name: "main", Image: "x", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: int32(port)}},
		}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Play(t, pod, true, clustertest.Running)
	_, err = s.Kube.CoreV1().Services(namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{
			{Name: "a", Port: 80, TargetPort: intstr.FromString("http")}, {Name: "b", Port: 81, TargetPort: intstr.FromInt(closed)},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAServiceIsDialledThroughARealAPIServer(t *testing.T) {
	s := clustertest.Start(t)
	ns := s.Namespace(t, "dial")
	kubelet, dialer := &kubelet{}, portforward.New(s.Client)
	s.Node(t, kubelet)
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
	serve(t, s, ns, backend.Listener.Addr().(*net.TCPAddr).Port)
	web := &http.Client{Transport: &http.Transport{DialContext: dialer.Service(ns, "web"), MaxIdleConns: 1, MaxIdleConnsPerHost: 1}}
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
		conn, err := dialer.Service(ns, "web")(t.Context(), "tcp", "ignored:80")
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
		if _, err := dialer.Service(ns, "web")(t.Context(), "tcp", "x:99"); !failure.Is(err, failure.NotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("without a ready pod there is nothing to dial", func(t *testing.T) {
		pod, err := s.Kube.CoreV1().Pods(ns).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.Play(t, pod, false, clustertest.Running)
		if _, err := dialer.Service(ns, "web")(t.Context(), "tcp", "x:80"); failure.ReasonOf(err) != "NoReadyPod" || !failure.IsRetryable(err) {
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
