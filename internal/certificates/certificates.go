// Package certificates keeps an environment's CA, stores and listeners' certificates in its namespace: it mints what is missing, checks
// what is there, renews it, and says whom clients trust. What the stores hold is of the package keystore.
package certificates

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/identity"
	"lockstep/internal/keystore"
)

// Store is where the certificates of one environment are kept.
type Store struct {
	Cluster *cluster.Client
	Env     config.Environment
	// Password is that of all stores.
	Password string
}

func (s Store) names() keystore.Names {
	return keystore.NamesFor(s.Env, apim.Service(s.Env), identity.Service(s.Env))
}

// Existing reads what there is. What is missing is left out.
func (s Store) Existing(ctx context.Context) (keystore.Existing, error) {
	var existing keystore.Existing
	existing.Public, _ = x509.SystemCertPool() // without one, no public CA counts
	for _, c := range component.WithStores(s.Env) {
		for _, store := range c.Stores {
			data, found, err := s.Cluster.Secret(ctx, s.Env.Namespace, store.Secret)
			if err != nil {
				return existing, err
			}
			if found {
				store.Into(data, &existing)
			}
		}
	}
	public, _, err := s.Cluster.ConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap)
	existing.CA = []byte(public[keystore.CAKey])
	return existing, err
}

// Expiries says when the certificates end.
func (s Store) Expiries(ctx context.Context) ([]keystore.Expiry, error) {
	existing, err := s.Existing(ctx)
	if err != nil {
		return nil, err
	}
	return keystore.Expiries(existing, s.Password), nil
}

// Check reads back what is there: stores of an earlier deployment must still fit hostnames and password.
func (s Store) Check(ctx context.Context) ([]keystore.Finding, error) {
	existing, err := s.Existing(ctx)
	if err != nil {
		return nil, err
	}
	left, err := s.leftBehind(ctx)
	return append(keystore.Check(s.names(), existing, s.Password, time.Now()), left...), err
}

// CheckListener fails if there is a pair for the listeners that the gateway does not serve: given to it, it may take down the listeners of
// other environments too. It looks at a pair of the user's own alone: what Lockstep made is looked at where it is made, and a purge that comes
// before may make it anew.
func (s Store) CheckListener(ctx context.Context) error {
	if s.Env.Certificates.GatewayTLS == "" {
		return nil
	}
	existing, err := s.Existing(ctx)
	if err != nil {
		return err
	}
	_, err = s.fits(keystore.CheckListener(s.names(), existing, time.Now()))
	return err
}

// fits turns findings into warnings, or into a failure if one of them is more than that.
func (s Store) fits(findings []keystore.Finding) (warnings []string, err error) {
	for _, finding := range findings {
		if finding.Warning {
			warnings = append(warnings, finding.String())
		}
	}
	if err := keystore.Err(findings); err != nil {
		return nil, failure.In(fmt.Sprintf("certificates that exist in namespace %s do not fit the environment (its CA is in ConfigMap %s)",
			s.Env.Namespace, keystore.CAConfigMap), err)
	}
	return warnings, nil
}

// parse reads the pair of a CA.
func (s Store) parse(data map[string][]byte) (*keystore.CA, error) {
	ca, err := keystore.ParseCA(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, failure.In(fmt.Sprintf("Secret %s/%s cannot sign certificates", s.Env.CANamespace(), s.Env.CASecret()), err)
	}
	return ca, nil
}
