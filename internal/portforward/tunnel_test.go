package portforward

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	kubeforward "k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// forwarding is an API server that takes streams to pods and says when a connection with them has ended.
func forwarding(t *testing.T) (_ *rest.Config, ended chan struct{}) {
	ended = make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if httpstream.IsUpgradeRequest(r) && r.Header.Get("Sec-Websocket-Key") == "" {
			if _, err := httpstream.Handshake(r, w, []string{kubeforward.PortForwardProtocolV1Name}); err != nil {
				return
			}
			if conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(httpstream.Stream, <-chan struct{}) error { return nil }); conn != nil {
				<-conn.CloseChan()
				ended <- struct{}{}
			}
			return
		}
		http.Error(w, "no WebSockets here", http.StatusBadRequest)
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}, ended
}

func TestATunnelThatARetiredDialerOpensClosesWithItsConnection(t *testing.T) {
	server, ended := forwarding(t)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "apps", UID: "1"}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var d Dialer
	for _, retire := range []func(){func() {}, d.Retire} {
		retire()
		conn, err := d.tunnels.open(ctx, server, pod, 80)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the tunnel that was open, and the one that was opened since
		select {
		case <-ended:
		case <-ctx.Done():
			t.Fatal("a tunnel stays open")
		}
	}
	if len(d.tunnels.byPod) > 0 {
		t.Error("a retired dialer keeps tunnels")
	}
}
