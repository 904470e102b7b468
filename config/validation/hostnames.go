package validation

import (
	"fmt"
	"lockstep/config"
	"net"
	"strings"
)

type hostField struct{ path, name string }

// hostFields are the five names with their paths, in listener order.
func hostFields(h config.Hostnames) []hostField {
	return []hostField{
		{"hostnames.management", h.Management},
		{"hostnames.gateway", h.Gateway},
		{"hostnames.websocket", h.WebSocket},
		{"hostnames.websub", h.WebSub},
		{"hostnames.keyManager", h.KeyManager},
	}
}

func checkHostnames(e config.Environment) (found problems) {
	first := map[string]string{}
	for _, host := range hostFields(e.Hostnames) {
		found.hostname(host.path, host.name)
		name := strings.ToLower(host.name)
		if used, twice := first[name]; twice && name != "" {
			found.Add(host.path, host.name, "is "+used+" too: the Gateway could not tell the two apart",
				"give each of the five its own name")
			continue
		}
		first[name] = host.path
	}
	for i, name := range e.Certificates.ExtraDNSNames {
		found.hostname(fmt.Sprintf("certificates.extraDNSNames[%d]", i), strings.TrimPrefix(name, "*."))
	}
	return found
}

// hostname notes what cannot be the hostname of a Gateway listener and of a certificate.
func (p *problems) hostname(path, name string) {
	const plain = "write the bare name, as am.example.com"
	switch {
	case name == "":
		p.Add(path, "", "is missing", plain)
	case strings.Contains(name, "://") || strings.Contains(name, "/"):
		p.Add(path, name, "is a URL, not a hostname", plain)
	case net.ParseIP(strings.Trim(name, "[]")) != nil:
		p.Add(path, name, "is an IP address: Gateway listeners and certificates tell environments apart by name",
			"choose a name and map it to the address in DNS or /etc/hosts")
	case strings.Contains(name, ":"):
		p.Add(path, name, "has a port: the Gateway listens on 443", plain)
	case strings.Contains(name, "*"):
		p.Add(path, name, "is a wildcard: links and the issuer need one name", plain)
	case strings.ToLower(name) != name:
		p.Add(path, name, "has upper-case letters: Identity Server lower-cases its issuer, and API Manager compares it byte for byte",
			"write "+strings.ToLower(name))
	case len(name) > 253 || !dnsName.MatchString(name):
		p.Add(path, name, "is no hostname: letters, digits and dashes between dots, no underscore", plain)
	}
}

// warnHostnames names domains that browsers only speak to with a certificate they trust, and those that name resolution
// treats specially.
func warnHostnames(e config.Environment) (found problems) {
	for _, host := range hostFields(e.Hostnames) {
		labels := strings.Split(host.name, ".")
		last := labels[len(labels)-1]
		switch {
		case host.name == "wso2.com" || strings.HasSuffix(host.name, ".wso2.com"):
			found.Add(host.path, host.name, "is below wso2.com, which browsers hold to strict TLS (HSTS preload): they offer no way past a certificate of Lockstep's own CA",
				"use names of your own, or import the CA into the browser first")
		case last == "dev" || last == "app":
			found.Add(host.path, host.name, "is below ."+last+", which browsers hold to strict TLS (HSTS preload)",
				"bring a trusted certificate (certificates.gatewayTLS), or import the CA into the browser first")
		case last == "local":
			found.Add(host.path, host.name, "is below .local, which many machines ask by multicast DNS and not of /etc/hosts or DNS first",
				"prefer a name below .test or a domain of your own")
		}
	}
	return found
}
