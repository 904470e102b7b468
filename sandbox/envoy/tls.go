package envoy

import (
	"crypto/tls"

	corev1 "k8s.io/api/core/v1"
)

// keyPair reads a Secret of type kubernetes.io/tls.
func keyPair(secret *corev1.Secret) (tls.Certificate, error) {
	return tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
}
