// Package keystore makes and checks the certificates and stores of an environment: its CA, the leaf certificates, JKS
// stores for API Manager and PKCS12 stores for Identity Server. Everything is bytes in, bytes out.
package keystore

import (
	"slices"
	"strings"

	"lockstep/config"
)

// Alias is the alias of the key in every store, as in the stores that both products ship with.
const Alias = "wso2carbon"

// GatewayAlias is the alias under which API Manager's gateway looks for the certificate of the key that signs API keys
// and internal tokens when a token's header names no other (APIMgtGatewayConstants.GATEWAY_PUBLIC_CERTIFICATE_ALIAS).
const GatewayAlias = "gateway_certificate_alias"

// Secrets that hold the stores.
const (
	APIMSecret = "apim-keystore-secret"
	ISSecret   = "is-keystores"
)

// CAConfigMap holds the certificate of the environment's CA, for whoever verifies the products' certificates, under [CAKey].
const CAConfigMap = "wso2-ca-cert"

// CAKey is the key that BackendTLSPolicy reads in a ConfigMap (Gateway API v1).
const CAKey = "ca.crt"

// Untrusted is the operator's next move when a product presents a certificate that the environment's CA did not sign.
const Untrusted = "put the product's keystore Secret or the environment's CA (ConfigMap " + CAConfigMap + ") back, run `lockstep deploy`, and restart pods that are older " +
	"than the Secret"

// File names of the stores. They are distinct on purpose: both charts mount each store by its name, and equal names
// give equal mount paths, which the API server refuses.
const (
	PrimaryJKS    = "primary.jks"
	TLSJKS        = "tls.jks"
	InternalJKS   = "internal.jks"
	TruststoreJKS = "client-truststore.jks"

	PrimaryP12    = "primary.p12"
	TLSP12        = "tls.p12"
	InternalP12   = "internal.p12"
	TruststoreP12 = "client-truststore.p12"
)

// Names are the DNS names that the certificates of an environment have to carry.
type Names struct {
	APIM      []string // API Manager's own certificate
	IS        []string // Identity Server's own certificate
	Listeners []ListenerNames
	// Namespace is where the products' Services are.
	Namespace string
}

// ListenerNames are the names that the certificate in a Secret has to carry, which one or all of the public listeners serve.
type ListenerNames struct {
	Secret  string
	Names   []string
	Brought bool // the environment file names it: its CA is the user's own affair
}

// NamesFor gives the names of env. apimService and isService are the names of the products' Services in the
// environment's namespace; API Manager's chart adds one Service per node, named after the common one. Both nodes of its
// pair are always among the names, so that the stores of one replica serve two.
func NamesFor(env config.Environment, apimService, isService string) Names {
	apim := env.APIManagerServiceNames(apimService)
	h := env.Hostnames
	apim = append(apim, h.Management, h.Gateway, h.WebSocket, h.WebSub)
	is := append(env.InCluster(isService), h.KeyManager)
	extra := append([]string{"localhost"}, env.Certificates.ExtraDNSNames...)
	return Names{
		APIM:      distinct(append(apim, extra...)),
		IS:        distinct(append(is, extra...)),
		Listeners: listenerNames(env),
		Namespace: env.Namespace,
	}
}

func listenerNames(env config.Environment) (all []ListenerNames) {
	for _, secret := range env.ListenerSecrets() {
		var names []string
		for _, l := range env.Listeners() {
			if l.Secret == secret {
				names = append(names, l.Hostname)
			}
		}
		all = append(all, ListenerNames{Secret: secret, Names: distinct(names), Brought: env.Certificates.GatewayTLS != ""})
	}
	return all
}

// Permitted are the names that a CA made for the environment may sign for: its own, and the longer ones that Services in its namespace can
// have. The namespace itself is none of them, because a permitted name stands for all below it: a namespace called dev would be the whole of a
// public domain.
func (n Names) Permitted() []string {
	all := slices.Concat(n.APIM, n.IS)
	for _, listener := range n.Listeners {
		all = append(all, listener.Names...)
	}
	if n.Namespace != "" {
		all = append(all, n.Namespace+".svc", n.Namespace+".svc.cluster.local")
	}
	for i, name := range all {
		all[i] = strings.TrimPrefix(name, "*.")
	}
	all = distinct(all)
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return below(name, all) })
}

// below says whether a name is permitted with another one.
func below(name string, all []string) bool {
	return slices.ContainsFunc(all, func(other string) bool { return strings.HasSuffix(name, "."+other) })
}

// distinct drops empty and repeated names and keeps the order of the others.
func distinct(names []string) []string {
	var out []string
	for _, n := range names {
		if n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
