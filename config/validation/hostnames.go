package validation

import (
	"fmt"
	"net"
	"strings"

	"lockstep/config"
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
		name := strings.ToLower(host.name)
		if used, twice := first[name]; twice && name != "" {
			found.Add(host.path, host.name, "is also the name in "+used+": the Gateway cannot tell the two apart",
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
	const plain = "write the bare name, for example am.example.com"
	switch {
	case name == "":
		p.Add(path, "", "is missing", plain)
	case strings.Contains(name, "://") || strings.Contains(name, "/"):
		p.Add(path, name, "is a URL, not a hostname", plain)
	case net.ParseIP(strings.Trim(name, "[]")) != nil:
		p.Add(path, name, "is an IP address, but Gateway listeners and certificates need a name",
			"write a name, and map it to the address in DNS or /etc/hosts")
	case strings.Contains(name, ":"):
		p.Add(path, name, "has a port, but the Gateway always listens on 443", plain)
	case strings.Contains(name, "*"):
		p.Add(path, name, "is a wildcard, but links and the issuer need one exact name", plain)
	case strings.ToLower(name) != name:
		p.Add(path, name, "has upper-case letters: Identity Server writes its issuer in lower case, and API Manager then rejects its tokens",
			"write "+strings.ToLower(name))
	case len(name) > 253 || !dnsName.MatchString(name):
		p.Add(path, name, "is not a hostname: only letters, digits and dashes between dots, no underscore", plain)
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
			found.Add(host.path, host.name, "is below wso2.com, for which browsers require a trusted certificate (HSTS preload): they refuse one of Lockstep's own CA without exception",
				"use names of your own, or import the CA into the browser")
		case last == "dev" || last == "app":
			found.Add(host.path, host.name, "is below ."+last+", for which browsers require a trusted certificate (HSTS preload)",
				"name a Secret with a trusted certificate in certificates.gatewayTLS, or import the CA into the browser")
		case last == "local":
			found.Add(host.path, host.name, "is below .local: many machines look it up by multicast DNS before /etc/hosts and DNS",
				"use a name below .test, or a domain of your own")
		}
	}
	return found
}
