package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"lockstep/sandbox/simulate"
)

// pair is a certificate and its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// writeCertificates mints everything anew: a control plane never outlives its certificates.
func (l *layout) writeCertificates() error {
	ca, err := mint(&x509.Certificate{
		Subject: pkix.Name{CommonName: "lockstep sandbox"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}, nil)
	if err != nil {
		return err
	}
	server, err := mint(l.serverTemplate(), ca)
	if err != nil {
		return err
	}
	if err := l.writePair("ca", ca); err != nil {
		return err
	}
	if err := l.writePair("apiserver", server); err != nil {
		return err
	}
	kubelet, err := mint(&x509.Certificate{
		Subject:  pkix.Name{CommonName: "kube-apiserver-kubelet-client", Organization: []string{"system:masters"}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca)
	if err != nil {
		return err
	}
	if err := l.writePair("kubelet-client", kubelet); err != nil {
		return err
	}
	if err := l.writeServiceAccountKey(); err != nil {
		return err
	}
	for user, subject := range map[string]pkix.Name{
		"admin":              {CommonName: "sandbox-admin", Organization: []string{"system:masters"}},
		"controller-manager": {CommonName: "system:kube-controller-manager"},
		"scheduler":          {CommonName: "system:kube-scheduler"},
		"kubelet":            {CommonName: "system:node:" + l.network.Node, Organization: []string{"system:nodes"}},
		"kube-proxy":         {CommonName: "system:kube-proxy"},
	} {
		if err := l.writeKubeconfig(user, subject, ca); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) serverTemplate() *x509.Certificate {
	first := l.network.Services.Addr().Next()
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), l.network.Address.AsSlice(), first.AsSlice(), simulate.InPod(first).AsSlice()},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// mint signs template with ca; without one the certificate signs itself.
func mint(template *x509.Certificate, ca *pair) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making key: %w", err)
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making serial number: %w", err)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
	if ca == nil {
		ca = &pair{cert: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return nil, fmt.Errorf("signing certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing certificate: %w", err)
	}
	return &pair{cert: cert, key: key}, nil
}

func (p *pair) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func (l *layout) writePair(name string, p *pair) error {
	key, err := keyPEM(p.key)
	if err != nil {
		return err
	}
	if err := write(l.pki(name+".crt"), p.certPEM()); err != nil {
		return err
	}
	return write(l.pki(name+".key"), key)
}

func (l *layout) writeServiceAccountKey() error {
	p, err := mint(&x509.Certificate{}, nil)
	if err != nil {
		return err
	}
	private, err := keyPEM(p.key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	if err != nil {
		return fmt.Errorf("encoding public key: %w", err)
	}
	if err := write(l.pki("sa.key"), private); err != nil {
		return err
	}
	return write(l.pki("sa.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
}

func (l *layout) writeKubeconfig(user string, subject pkix.Name, ca *pair) error {
	p, err := mint(&x509.Certificate{
		Subject: subject, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca)
	if err != nil {
		return err
	}
	key, err := keyPEM(p.key)
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["sandbox"] = &clientcmdapi.Cluster{Server: l.url(), CertificateAuthorityData: ca.certPEM()}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: p.certPEM(), ClientKeyData: key}
	config.Contexts["sandbox"] = &clientcmdapi.Context{Cluster: "sandbox", AuthInfo: user}
	config.CurrentContext = "sandbox"
	if err := clientcmd.WriteToFile(*config, l.kubeconfig(user)); err != nil {
		return fmt.Errorf("writing kubeconfig of %s: %w", user, err)
	}
	return nil
}

func write(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
