package envoy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// What Envoy says, and the sandbox says so.
const (
	serverHeader = "envoy (simulated)"

	notReached  = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: "
	notVerified = "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:"
)

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// forwarder sends requests to upstreams. It keeps connections to an upstream for as long as nothing about it changes.
type forwarder struct {
	dial dial

	mutex   sync.Mutex
	proxies map[string]*httputil.ReverseProxy
}

func newForwarder(dial dial) *forwarder {
	return &forwarder{dial: dial, proxies: map[string]*httputil.ReverseProxy{}}
}

func (f *forwarder) to(u *upstream) *httputil.ReverseProxy {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	proxy := f.proxies[u.key]
	if proxy == nil {
		proxy = u.proxy(f.dial)
		f.proxies[u.key] = proxy
	}
	return proxy
}

// keep forgets all upstreams but those of the table.
func (f *forwarder) keep(t table) {
	used := map[string]bool{}
	for _, l := range t.listeners {
		for _, route := range l.routes {
			if route.upstream != nil {
				used[route.upstream.key] = true
			}
		}
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for key, proxy := range f.proxies {
		if !used[key] {
			proxy.Transport.(*http.Transport).CloseIdleConnections()
			delete(f.proxies, key)
		}
	}
}

func (u *upstream) proxy(dial dial) *httputil.ReverseProxy {
	transport := &http.Transport{
		DialContext: dial, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute, DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: u.roots, ServerName: u.name, MinVersion: tls.VersionTLS12},
	}
	target := &url.URL{Scheme: "http", Host: u.address}
	if u.secure {
		target.Scheme = "https"
	}
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			status, body := failure(err)
			answer(w, status, body)
		},
	}
}

// failure is what Envoy answers when it does not reach a backend.
func failure(err error) (status int, body string) {
	var (
		invalid *tls.CertificateVerificationError
		wrong   x509.HostnameError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		timeout net.Error
		dns     *net.DNSError
	)
	switch {
	case errors.As(err, &wrong):
		return http.StatusServiceUnavailable, notReached + notVerified + "verify SAN list:TLS_error_end"
	case errors.As(err, &invalid):
		return http.StatusServiceUnavailable, notReached + notVerified + "verify cert failed:TLS_error_end"
	case errors.As(err, &record), errors.As(err, &alert):
		return http.StatusServiceUnavailable, notReached + "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end"
	case errors.As(err, &dns), strings.Contains(err.Error(), "no ready pod"):
		return http.StatusServiceUnavailable, "no healthy upstream"
	case errors.Is(err, syscall.ECONNREFUSED):
		return http.StatusServiceUnavailable, notReached + "delayed connect error: Connection refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusGatewayTimeout, "upstream request timeout"
	}
	return http.StatusServiceUnavailable, "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
}

// answer is an answer of the proxy's own.
func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Server", serverHeader)
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client is gone if this fails
}
