package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// Sizes of RSA keys that Envoy serves with.
const (
	minListenerRSA = 2048
	maxListenerRSA = 8192
)

// listenerPair says what Envoy Gateway or Envoy would not take of a pair for listeners, "" if they take it, and what to do. The controller
// refuses some pairs and says so at the listener. Others it passes on, and Envoy refuses the whole response that holds one: then the listeners
// of all environments on that Envoy may go down, and every status still says that all is well (wso2-facts 22). So it is one table, for both.
func listenerPair(certPEM, keyPEM []byte, now time.Time) (problem, move string) {
	chain, err := ParseCerts(certPEM)
	if err != nil {
		return "tls.crt cannot be read: " + err.Error(), "put the certificate of the listeners there as PEM, then those that signed it"
	}
	key, problem, move := listenerKey(keyPEM)
	if problem != "" {
		return problem, move
	}
	if problem, move := strength(key.Public(), "tls.key"); problem != "" {
		return problem, move
	}
	if !samePublic(key.Public(), chain[0].PublicKey) {
		for i, cert := range chain[1:] {
			if samePublic(key.Public(), cert.PublicKey) {
				return fmt.Sprintf("the key in tls.key belongs to certificate %d of tls.crt, and Envoy looks at the first", i+2),
					"order tls.crt: the certificate of the listeners first, then the one that signed it, and so on"
			}
		}
		return "the key in tls.key does not belong to the certificate in tls.crt", "put the key of that certificate there, or the certificate of that key"
	}
	return validity(chain, now)
}

// listenerKey reads a key as the controller of v1.7 does: it takes the first PEM block, whatever it is. That of v1.9 goes on to the key.
func listenerKey(keyPEM []byte) (key crypto.Signer, problem, move string) {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, "tls.key has no PEM block", "put the private key there as PEM"
	}
	if strings.Contains(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, "the key in tls.key is encrypted, and Envoy has no password for it", "put the key there without encryption: openssl pkey -in tls.key"
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		if parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil && isPSS(block.Bytes) {
			return nil, "the key in tls.key is for RSA-PSS only, and Envoy does not take such a key", "use a certificate with an ordinary RSA or an ECDSA key"
		}
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Sprintf("tls.key begins with a block of type %s, and Envoy Gateway v1.7 reads only the first block", block.Type),
			"leave that block out, so that tls.key begins with the private key: openssl pkey -in tls.key"
	}
	if err != nil {
		return nil, "the key in tls.key cannot be read: " + err.Error(), "put the private key there as PEM: openssl pkey -in tls.key"
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Sprintf("the key in tls.key is of a type (%T) that serves no TLS", parsed), "use a certificate with an RSA or ECDSA key"
	}
	return signer, "", ""
}

// isPSS tells a PKCS #8 key by its algorithm, id-RSASSA-PSS of RFC 4055.
func isPSS(der []byte) bool {
	var outer struct {
		Version   int
		Algorithm struct {
			Algorithm  asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Key []byte
	}
	_, err := asn1.Unmarshal(der, &outer)
	return err == nil && outer.Algorithm.Algorithm.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10})
}

func strength(public crypto.PublicKey, where string) (problem, move string) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minListenerRSA || bits > maxListenerRSA {
			return fmt.Sprintf("the key in %s is RSA with %d bits, and Envoy takes %d to %d", where, bits, minListenerRSA, maxListenerRSA),
				fmt.Sprintf("use a certificate with an RSA key of %d bits or more, or with an ECDSA key", minListenerRSA)
		}
		return "", ""
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() || key.Curve == elliptic.P521() {
			return "", ""
		}
		return fmt.Sprintf("the key in %s is on the curve %s, and Envoy takes P-256, P-384 and P-521", where, key.Curve.Params().Name), "use a certificate with a key on one of these curves"
	case ed25519.PublicKey:
		return "", ""
	}
	return fmt.Sprintf("the key in %s is of a type (%T) that Envoy does not take", where, public), "use a certificate with an RSA or ECDSA key"
}

func samePublic(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}

// validity is about every certificate of the chain: the controller refuses a pair for any that is not valid now.
func validity(chain []*x509.Certificate, now time.Time) (problem, move string) {
	for i, cert := range chain {
		which := "its certificate"
		if i > 0 {
			which = fmt.Sprintf("certificate %d of tls.crt (%s)", i+1, cert.Subject)
		}
		switch {
		case now.Before(cert.NotBefore):
			return which + " is not valid before " + cert.NotBefore.UTC().Format(time.RFC3339), "wait until then, or correct the clock"
		case now.After(cert.NotAfter):
			return which + " expired on " + day(cert.NotAfter), "replace it by a renewed one, signed by the same CA"
		}
	}
	return "", ""
}

// CheckListener is the part of [Check] about the listeners' pairs, which needs no password.
func CheckListener(names Names, existing Existing, now time.Time) []Finding {
	c := &check{now: now}
	c.listeners(existing, names)
	return c.findings
}

// where names the pair as the environment file and the cluster do.
func (n ListenerNames) where() string {
	where := listenerAt(n.Secret)
	if n.Brought {
		where += " (certificates.gatewayTLS)"
	}
	return where
}

func listenerAt(secret string) string { return "the gateway's certificate in Secret " + secret }
