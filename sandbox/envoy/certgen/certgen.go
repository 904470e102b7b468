// Package certgen is the job that makes the certificates of the control plane of the simulated gateway.
package certgen

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

var (
	secrets  = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	webhooks = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"}
)

// Run makes the Secrets of the control plane: one CA, certificates for the three parts that speak to each other, and
// a key for OIDC. Secrets that are there stay as they are. The webhook gets the CA,
// if there is an injector.
func Run(ctx context.Context, client dynamic.Interface, namespace string, injector bool, log *slog.Logger) error {
	authority, err := NewAuthority()
	if err != nil {
		return fmt.Errorf("making certificates: %w", err)
	}
	for _, name := range []string{"envoy-gateway", "envoy", "envoy-rate-limit"} {
		data, err := authority.issue(name, namespace)
		if err != nil {
			return fmt.Errorf("making certificate %s: %w", name, err)
		}
		if err := createSecret(ctx, client, namespace, name, "kubernetes.io/tls", data, log); err != nil {
			return err
		}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err := createSecret(ctx, client, namespace, "envoy-oidc-hmac", "Opaque", map[string][]byte{"hmac-secret": key}, log); err != nil {
		return err
	}
	if !injector {
		return nil
	}
	return trustWebhook(ctx, client, namespace)
}

func createSecret(ctx context.Context, client dynamic.Interface, namespace, name, kind string, data map[string][]byte, log *slog.Logger) error {
	encoded := map[string]any{}
	for key, value := range data {
		encoded[key] = base64.StdEncoding.EncodeToString(value)
	}
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": kind, "data": encoded,
		"metadata": map[string]any{"name": name, "namespace": namespace, "labels": map[string]any{"control-plane": "envoy-gateway"}},
	}}
	_, err := client.Resource(secrets).Namespace(namespace).Create(ctx, secret, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		log.Info("skipped creating secret since it already exists", "name", name)
		return nil
	case err != nil:
		return fmt.Errorf("creating secret %s/%s: %w", namespace, name, err)
	}
	log.Info("created secret", "namespace", namespace, "name", name)
	return nil
}

// trustWebhook gives the webhook configuration the CA of the Secret that is in use.
func trustWebhook(ctx context.Context, client dynamic.Interface, namespace string) error {
	secret, err := client.Resource(secrets).Namespace(namespace).Get(ctx, "envoy-gateway", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading secret %s/envoy-gateway: %w", namespace, err)
	}
	bundle, _, err := unstructured.NestedString(secret.Object, "data", "ca.crt")
	if err != nil {
		return fmt.Errorf("reading secret %s/envoy-gateway: %w", namespace, err)
	}
	change := fmt.Appendf(nil, `[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":%q}]`, bundle)
	_, err = client.Resource(webhooks).Patch(ctx, "envoy-gateway-topology-injector."+namespace, types.JSONPatchType, change, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("patching webhook with CA bundle: %w", err)
	}
	return nil
}

// Authority is the CA of the control plane.
type Authority struct {
	Certificate *x509.Certificate
	Key         *ecdsa.PrivateKey
}

// NewAuthority makes a CA.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "envoy-gateway (simulated)"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(raw)
	return &Authority{certificate, key}, err
}

// issue makes the data of a TLS Secret for the Service name.
func (a *Authority) issue(name, namespace string) (map[string][]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	full := name + "." + namespace
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		DNSNames:  []string{name, full, full + ".svc", full + ".svc.cluster.local"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(5, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, key.Public(), a.Key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"ca.crt":  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw}),
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}
