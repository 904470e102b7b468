package portforward

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"k8s.io/streaming/pkg/httpstream"
)

// forward makes a pair of port-forward streams a net.Conn. A pipe between the two gives it deadlines.
func forward(data, errorStream httpstream.Stream, remote podAddr, remove, broken func()) net.Conn {
	near, far := net.Pipe()
	conn := &forwarded{Conn: near, remote: remote}
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		message, _ := io.ReadAll(io.LimitReader(errorStream, 4096))
		if len(message) > 0 {
			conn.fail(fmt.Errorf("port-forward to %s: %s", remote, strings.TrimSpace(string(message))))
			broken()
			_ = far.Close()
		}
	}()
	go func() { // to the pod; ends when the caller closes
		_, err := io.Copy(data, far)
		if err != nil {
			conn.fail(fmt.Errorf("port-forward to %s: %w", remote, err))
		}
		_ = data.Reset() // unread data would block the other streams of the tunnel
		_ = errorStream.Reset()
		_ = far.Close()
		remove()
	}()
	go func() { // from the pod; ends with the stream
		_, _ = io.Copy(far, data)
		select { // the reason arrives on the other stream, maybe a little later
		case <-refused:
		case <-time.After(time.Second):
		}
		_ = far.Close()
	}()
	return conn
}

// forwarded is the caller's end.
type forwarded struct {
	net.Conn
	remote podAddr
	mu     sync.Mutex
	cause  error
}

// fail records why the connection ends; the first reason stays.
func (f *forwarded) fail(cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cause == nil {
		f.cause = cause
	}
}

func (f *forwarded) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	return n, f.explain(err)
}

func (f *forwarded) Write(p []byte) (int, error) {
	n, err := f.Conn.Write(p)
	return n, f.explain(err)
}

// explain puts the reason the pod gave in the place of the bare end of the pipe.
func (f *forwarded) explain(err error) error {
	if err != io.EOF && err != io.ErrClosedPipe {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cause != nil {
		return f.cause
	}
	return err
}

func (f *forwarded) RemoteAddr() net.Addr { return f.remote }

// podAddr is a port of a pod.
type podAddr struct {
	pod  string
	port int32
}

func (podAddr) Network() string { return "tcp" }

func (a podAddr) String() string { return fmt.Sprintf("pod %s port %d", a.pod, a.port) }
