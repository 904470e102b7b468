package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"lockstep/config/settings"
)

// renew writes another certificate with its key.
func (s *site) renew(cert, key, name string) {
	s.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		s.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s.write(key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func TestARenewedCertificateIsUsedAndAWrongOneIsNot(t *testing.T) {
	s := away(t)
	cert, key := filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	c := settings.Server{Address: "127.0.0.1:0", TLSCert: cert, TLSKey: key}
	if err := Serve(t.Context(), c, s.server, func(net.Addr) {}); err == nil {
		t.Fatal("a server without its certificate starts")
	}
	s.renew(cert, key, "first")
	ctx, stop := context.WithCancel(t.Context())
	addresses, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- Serve(ctx, c, s.server, func(a net.Addr) { addresses <- a }) }()
	address := (<-addresses).String()
	shown := func() string {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
		response, err := client.Get("https://" + address + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.Header.Get("Strict-Transport-Security") == "" {
			t.Error("browsers may ask without TLS")
		}
		return response.TLS.PeerCertificates[0].Subject.CommonName
	}
	if name := shown(); name != "first" {
		t.Errorf("the certificate is %q", name)
	}
	s.renew(cert, key, "second")
	eventually(t, "the renewed certificate is used", func() bool { return shown() == "second" })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
