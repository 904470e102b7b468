package certificates

import (
	"context"
	"crypto/x509"

	corev1 "k8s.io/api/core/v1"

	"lockstep/internal/failure"
	"lockstep/internal/keystore"
)

// Trusted are the environment's CA, the public CAs, and the listeners' own certificate where the user brought one.
func (s Store) Trusted(ctx context.Context) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	data, found, err := s.Cluster.ConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap)
	if err != nil {
		return nil, err
	}
	if !found || !pool.AppendCertsFromPEM([]byte(data[keystore.CAKey])) {
		return nil, failure.Final(failure.NotFound, "ConfigMap %s/%s holds no certificate under %s: run `lockstep deploy`, which makes it",
			s.Env.Namespace, keystore.CAConfigMap, keystore.CAKey)
	}
	if s.Env.Certificates.GatewayTLS != "" {
		listener, _, err := s.Cluster.Secret(ctx, s.Env.Namespace, s.Env.Certificates.GatewayTLS)
		if err != nil {
			return nil, err
		}
		pool.AppendCertsFromPEM(listener[corev1.TLSCertKey])
	}
	return pool, nil
}
