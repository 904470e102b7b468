package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// CodecServer is where and for whom payloads are decrypted.
type CodecServer struct {
	// Address to listen on. Default 127.0.0.1:8087.
	Address string `mapstructure:"address"`
	// Origins of the Temporal UIs that may ask, as http://localhost:8233. Default: that of uiURL.
	Origins Origins `mapstructure:"origins"`
	// AccessFile says who may ask. Default: that of the API, unless anybody may.
	AccessFile string `mapstructure:"accessFile"`
	// Anonymous lets anybody ask who can reach the address, which has to be of this machine alone.
	Anonymous bool `mapstructure:"anonymous"`
	// TLSCert is a certificate chain and TLSKey its key, in PEM. Empty (default): no TLS.
	TLSCert string `mapstructure:"tlsCert"`
	TLSKey  string `mapstructure:"tlsKey"`
}

// Origins are those of web pages: scheme, host, and port unless it is the scheme's own.
type Origins []string

// UnmarshalText reads what an environment variable or flag says: origins with commas between.
func (o *Origins) UnmarshalText(text []byte) error {
	*o = nil
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part != "" {
			*o = append(*o, part)
		}
	}
	return nil
}

// Loopback says whether only programs of this machine reach the address.
func (c CodecServer) Loopback() bool {
	host, _, _ := net.SplitHostPort(c.Address)
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// Pages are the origins that may ask: those that are set, else that of the Temporal UI.
func (c CodecServer) Pages(uiURL string) Origins {
	if len(c.Origins) > 0 {
		return c.Origins
	}
	u, err := url.Parse(uiURL)
	if err != nil {
		return nil
	}
	return Origins{originOf(u)}
}

func (c CodecServer) check() error {
	all := []error{checkAddress("codecServer.address", c.Address, 8087)}
	for _, text := range c.Origins {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || originOf(u) != text {
			all = append(all, fmt.Errorf("codecServer.origins has %q, which is no origin: write it as https://temporal.example.com, without a path", text))
		}
	}
	if c.Anonymous && c.AccessFile != "" {
		all = append(all, errors.New("codecServer.anonymous is true and there is a codecServer.accessFile: leave one of them out"))
	}
	if c.Anonymous && !c.Loopback() {
		all = append(all, fmt.Errorf("codecServer.anonymous is true, and others than this machine may reach codecServer.address %q: write it as 127.0.0.1:8087, "+
			"or set codecServer.accessFile instead", c.Address))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		all = append(all, errors.New("codecServer.tlsCert and codecServer.tlsKey belong together: set both, or leave both out"))
	}
	return errors.Join(all...)
}

// originOf is as a browser sends it.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":80")
	} else {
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host
}
