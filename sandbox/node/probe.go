package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A check runs a probe once. Its error is the probe's failure, in the words of a kubelet's Unhealthy event.
type check func(ctx context.Context) error

// newCheck makes the check of a probe against a container's pod: podIP is the address in messages, loopback the one
// that is asked.
func newCheck(handler corev1.ProbeHandler, ports []corev1.ContainerPort, podIP, loopback string) check {
	switch {
	case handler.HTTPGet != nil:
		return httpCheck(handler.HTTPGet, ports, podIP, loopback)
	case handler.TCPSocket != nil:
		return tcpCheck(handler.TCPSocket.Port, ports, podIP, loopback)
	case handler.Exec != nil:
		return execCheck(handler.Exec.Command, loopback)
	}
	return func(context.Context) error {
		return errors.New("the sandbox node has no probes of this type: use httpGet, tcpSocket or exec")
	}
}

func httpCheck(get *corev1.HTTPGetAction, ports []corev1.ContainerPort, podIP, loopback string) check {
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // a kubelet does not verify either
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if host, port, err := net.SplitHostPort(address); err == nil && host == podIP {
					address = net.JoinHostPort(loopback, port)
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		},
		// A kubelet follows redirects on the same host only; others count as success.
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if request.URL.Hostname() != via[0].URL.Hostname() || len(via) >= 10 {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	return func(ctx context.Context) error {
		port, err := probePort(get.Port, ports)
		if err != nil {
			return err
		}
		host := podIP
		if get.Host != "" {
			host = get.Host
		}
		scheme := strings.ToLower(string(get.Scheme))
		if scheme == "" {
			scheme = "http"
		}
		url := scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port)) + "/" + strings.TrimPrefix(get.Path, "/")
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("User-Agent", "kube-probe/sandbox")
		for _, header := range get.HTTPHeaders {
			request.Header.Add(header.Name, header.Value)
			if strings.EqualFold(header.Name, "Host") {
				request.Host = header.Value
			}
		}
		response, err := client.Do(request)
		if err != nil {
			return errors.New(strings.ReplaceAll(err.Error(), loopback, podIP))
		}
		return judge(response)
	}
}

func judge(response *http.Response) error {
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 10<<10))
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", response.StatusCode)
	}
	return nil
}

func tcpCheck(port intstr.IntOrString, ports []corev1.ContainerPort, podIP, loopback string) check {
	return func(ctx context.Context) error {
		number, err := probePort(port, ports)
		if err != nil {
			return err
		}
		if connect(ctx, loopback, number) != nil {
			return fmt.Errorf("dial tcp %s:%d: connect: connection refused", podIP, number)
		}
		return nil
	}
}

func connect(ctx context.Context, host string, port int) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return conn.Close()
}

func probePort(port intstr.IntOrString, ports []corev1.ContainerPort) (int, error) {
	if port.Type == intstr.Int {
		return port.IntValue(), nil
	}
	for _, candidate := range ports {
		if candidate.Name == port.StrVal {
			return int(candidate.ContainerPort), nil
		}
	}
	return 0, fmt.Errorf("couldn't find port %q of the container", port.StrVal)
}
