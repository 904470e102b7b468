package portforward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	kubeforward "k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"

	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/fence"
)

// tunnels keeps one upgraded connection per pod; each dialled connection is a pair of streams in it.
type tunnels struct {
	mu      sync.Mutex
	byPod   map[types.UID]*tunnel
	retired bool // a tunnel serves one connection and is not kept
}

type tunnel struct {
	conn httpstream.Connection

	mu      sync.Mutex
	nextID  int
	active  int  // forwarded connections in it
	retired bool // no new ones; closed with the last
}

// open connects to a port of the pod. A tunnel that turns out to be dead is replaced once.
func (t *tunnels) open(ctx context.Context, restConfig *rest.Config, pod *corev1.Pod, port int32) (net.Conn, error) {
	if err := fence.Check(ctx); err != nil { // the dialer's own requests know no context
		return nil, err
	}
	doing := fmt.Sprintf("connecting to port %d of Pod %s/%s", port, pod.Namespace, pod.Name)
	tun, reused, err := t.get(ctx, restConfig, pod)
	if err != nil {
		return nil, cluster.Classify(doing, err)
	}
	conn, err := tun.open(pod, port, func() { t.drop(pod.UID, tun) })
	if err != nil && reused {
		t.drop(pod.UID, tun)
		if tun, _, err = t.get(ctx, restConfig, pod); err == nil {
			conn, err = tun.open(pod, port, func() { t.drop(pod.UID, tun) })
		}
	}
	if err != nil {
		return nil, &failure.Error{Kind: failure.Unavailable, Reason: cluster.ReasonUnreachable, Doing: doing, Cause: err, Retryable: true, Next: "run again; if it stays, try kubectl port-forward to this pod"}
	}
	return conn, nil
}

func (t *tunnels) get(ctx context.Context, restConfig *rest.Config, pod *corev1.Pod) (_ *tunnel, reused bool, _ error) {
	t.mu.Lock()
	known := t.byPod[pod.UID]
	t.mu.Unlock()
	if known != nil && !closed(known.conn) {
		return known, true, nil
	}
	conn, err := upgrade(ctx, restConfig, pod)
	if err != nil {
		return nil, false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	made := &tunnel{conn: conn, retired: t.retired}
	if t.retired {
		return made, false, nil
	}
	if other := t.byPod[pod.UID]; other != nil && other != known && !closed(other.conn) {
		_ = conn.Close() // another dial was faster
		return other, true, nil
	}
	if t.byPod == nil {
		t.byPod = map[types.UID]*tunnel{}
	}
	t.byPod[pod.UID] = made
	go func() { // forget it when the pod or the API server ends it
		<-conn.CloseChan()
		t.drop(pod.UID, made)
	}()
	return made, false, nil
}

// drop takes a tunnel out of use; what is forwarded in it now may end by itself.
func (t *tunnels) drop(pod types.UID, tun *tunnel) {
	t.mu.Lock()
	if t.byPod[pod] == tun {
		delete(t.byPod, pod)
	}
	t.mu.Unlock()
	tun.count(0, true)
}

// retire closes each tunnel with the last of what is forwarded in it, and keeps none from now on.
func (t *tunnels) retire() {
	t.mu.Lock()
	all := t.byPod
	t.byPod, t.retired = nil, true
	t.mu.Unlock()
	for _, tun := range all {
		tun.count(0, true)
	}
}

// count keeps track of the forwarded connections and closes a retired tunnel with the last of them.
func (t *tunnel) count(change int, retire bool) {
	t.mu.Lock()
	t.active += change
	t.retired = t.retired || retire
	last := t.retired && t.active == 0
	t.mu.Unlock()
	if last {
		_ = t.conn.Close()
	}
}

func closed(conn httpstream.Connection) bool {
	select {
	case <-conn.CloseChan():
		return true
	default:
		return false
	}
}

// upgrade opens the connection as kubectl does: WebSocket first, SPDY where a server or proxy knows no better.
func upgrade(ctx context.Context, restConfig *rest.Config, pod *corev1.Pod) (httpstream.Connection, error) {
	dialer, err := podDialer(restConfig, pod)
	if err != nil {
		return nil, err
	}
	type result struct {
		conn     httpstream.Connection
		protocol string
		err      error
	}
	dialled := make(chan result, 1)
	go func() { // the dialer takes no context
		conn, protocol, err := dialer.Dial(kubeforward.PortForwardProtocolV1Name)
		dialled <- result{conn, protocol, err}
	}()
	select {
	case <-ctx.Done():
		go func() {
			if r := <-dialled; r.err == nil {
				_ = r.conn.Close()
			}
		}()
		return nil, ctx.Err()
	case r := <-dialled:
		if r.err == nil && r.protocol != kubeforward.PortForwardProtocolV1Name {
			_ = r.conn.Close()
			return nil, fmt.Errorf("server speaks port-forward protocol %q", r.protocol)
		}
		return r.conn, r.err
	}
}

func podDialer(restConfig *rest.Config, pod *corev1.Pod) (httpstream.Dialer, error) {
	base, _, err := rest.DefaultServerUrlFor(restConfig)
	if err != nil {
		return nil, err
	}
	address := base.JoinPath("api/v1/namespaces", pod.Namespace, "pods", pod.Name, "portforward")
	webSocket, err := kubeforward.NewSPDYOverWebsocketDialerForStreaming(address, restConfig)
	if err != nil {
		return nil, err
	}
	old, err := spdyDialer(restConfig, address)
	if err != nil {
		return nil, err
	}
	return kubeforward.NewFallbackDialerForStreaming(webSocket, old, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

func spdyDialer(restConfig *rest.Config, address *url.URL) (httpstream.Dialer, error) {
	transport, upgrader, err := spdy.RoundTripperFor(restConfig)
	if err != nil {
		return nil, err
	}
	return spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, address), nil
}

// open makes the pair of streams that is one forwarded connection. broken is called when the pod refuses it: after a
// restart of a container the old tunnel may lead nowhere.
func (t *tunnel) open(pod *corev1.Pod, port int32, broken func()) (_ net.Conn, err error) {
	t.count(1, false)
	defer func() {
		if err != nil {
			t.count(-1, false)
		}
	}()
	t.mu.Lock()
	id := t.nextID
	t.nextID++
	t.mu.Unlock()
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(int(port)))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(id))
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	errorStream, err := t.conn.CreateStream(headers)
	if err != nil {
		return nil, fmt.Errorf("opening error stream: %w", err)
	}
	_ = errorStream.Close() // nothing is written to it
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := t.conn.CreateStream(headers)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening data stream: %w", err), errorStream.Reset())
	}
	address := podAddr{pod: pod.Namespace + "/" + pod.Name, port: port}
	remove := func() {
		t.conn.RemoveStreams(errorStream, data)
		t.count(-1, false)
	}
	return forward(data, errorStream, address, remove, broken), nil
}
