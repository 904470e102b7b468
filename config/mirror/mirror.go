// Package mirror says which host is spoken to in place of another.
package mirror

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Map leads from a host to the base URL that is spoken to in its place, as containerd's hosts.toml does: for registries
// (pull and push), chart repositories and artifact URLs. What is written into the cluster keeps the original name.
type Map map[string]string

// Parse reads "host=url,host=url".
func Parse(text string) (Map, error) {
	mirrors := Map{}
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		host, base, found := strings.Cut(entry, "=")
		if !found {
			return nil, fmt.Errorf("mirror %q is not host=url: write it as docker.io=https://mirror.example.com", entry)
		}
		host = strings.TrimSpace(host)
		if _, twice := mirrors[host]; twice {
			return nil, fmt.Errorf("host %q has two mirrors: remove one of them", host)
		}
		mirrors[host] = strings.TrimSpace(base)
	}
	return mirrors, mirrors.Check()
}

// Registry is the registry to speak to for host, and whether without TLS. Without a mirror it is host itself, with TLS.
func (m Map) Registry(host string) (endpoint string, plainHTTP bool) {
	base, found := m.lookup(host)
	if !found {
		return host, false
	}
	return base.Host, base.Scheme == "http"
}

// URL is the address to fetch u from: scheme and host are the mirror's, its path goes before u's. An address without
// a mirror comes back as it is.
func (m Map) URL(u string) string {
	parsed, err := url.Parse(u)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return u
	}
	base, found := m.lookup(parsed.Host)
	if !found {
		return u
	}
	joined := base.JoinPath(parsed.EscapedPath())
	joined.RawQuery, joined.Fragment = parsed.RawQuery, parsed.Fragment
	return joined.String()
}

// String is what [Parse] reads, hosts in order.
func (m Map) String() string {
	var entries []string
	for _, host := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, host+"="+m[host])
	}
	return strings.Join(entries, ",")
}

// lookup knows Docker Hub by both its names, as docker.io references are resolved to index.docker.io.
func (m Map) lookup(host string) (*url.URL, bool) {
	host = strings.ToLower(host)
	base, found := m[host]
	if !found && host == "index.docker.io" {
		base, found = m["docker.io"]
	}
	if !found {
		return nil, false
	}
	parsed, err := url.Parse(base)
	return parsed, err == nil
}

// Check says what is wrong with a host or a base URL.
func (m Map) Check() error {
	for _, host := range slices.Sorted(maps.Keys(m)) {
		if host == "" || strings.ContainsAny(host, "/@ ") {
			return fmt.Errorf("%q is not a host: write host or host:port, without scheme and path", host)
		}
		base, err := url.Parse(m[host])
		if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
			return fmt.Errorf("host %q: %q is not a base URL: write http://host:port or https://host/path", host, m[host])
		}
		if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
			return fmt.Errorf("host %q: the base URL has a user, query or fragment: remove it, and keep credentials in the worker's docker config", host)
		}
	}
	return nil
}
