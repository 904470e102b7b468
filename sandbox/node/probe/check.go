// Package probe runs the probes of containers: what one look finds, in the words of a kubelet, and when that is a verdict.
package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lockstep/sandbox/simulate"
)

// A Check runs a probe once. Its error is the probe's failure, in the words of a kubelet's Unhealthy event.
type Check func(ctx context.Context) error

// NewCheck makes the check of a probe against a container's pod: podIP is the address in messages, loopback the one
// that is asked.
func NewCheck(handler corev1.ProbeHandler, ports []corev1.ContainerPort, podIP, loopback string) Check {
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

func httpCheck(get *corev1.HTTPGetAction, ports []corev1.ContainerPort, podIP, loopback string) Check {
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // a kubelet does not verify either
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().String() == podIP {
					address = onHost(loopback, int(at.Port()))
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
			return errors.New(strings.ReplaceAll(err.Error(), onHost(loopback, port), net.JoinHostPort(podIP, strconv.Itoa(port))))
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

func tcpCheck(port intstr.IntOrString, ports []corev1.ContainerPort, podIP, loopback string) Check {
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

func connect(ctx context.Context, loopback string, port int) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", onHost(loopback, port))
	if err != nil {
		return err
	}
	return conn.Close()
}

// onHost is where the host serves a port of the pod behind a loopback address.
func onHost(loopback string, port int) string {
	return net.JoinHostPort(loopback, strconv.Itoa(int(simulate.PortOnHost(uint16(port)))))
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
