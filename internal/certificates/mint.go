package certificates

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/keystore"
)

// The CA outlives every certificate it signs.
const caValidity = 10 * 365 * 24 * time.Hour

// Ensure mints what is missing of CA, stores and listeners' certificates. What is there is checked and kept: its keys may have signed
// tokens and encrypted data.
func (s Store) Ensure(ctx context.Context) (made bool, warnings []string, err error) {
	if made, err = s.mint(ctx); err == nil {
		err = s.recordPlace(ctx)
	}
	if err != nil {
		return false, nil, err
	}
	findings, err := s.Check(ctx)
	if err != nil {
		return false, nil, err
	}
	warnings, err = s.fits(findings)
	return made, warnings, err
}

// mint makes all stores as soon as one is missing, and writes those that are.
func (s Store) mint(ctx context.Context) (made bool, err error) {
	ca, made, err := s.authority(ctx)
	if err != nil {
		return false, err
	}
	missing, err := s.missing(ctx)
	if err != nil || !missing {
		return made, err
	}
	stores, err := keystore.Make(ca, s.names(), time.Duration(s.Env.Certificates.Validity), s.Password)
	if err != nil {
		return false, failure.In("minting certificates", err)
	}
	return true, s.write(ctx, ca, stores)
}

// authority is the environment's CA: the user's, or Lockstep's own, made once.
func (s Store) authority(ctx context.Context) (ca *keystore.CA, made bool, err error) {
	name, namespace := s.Env.CASecret(), s.Env.CANamespace()
	data, found, err := s.Cluster.Secret(ctx, namespace, name)
	switch {
	case err != nil:
		return nil, false, err
	case !found && s.Env.Certificates.CA != "":
		return nil, false, failure.Final(failure.NotFound, "Secret %s/%s, named by certificates.ca, does not exist: create it with "+
			"`kubectl create secret tls %s -n %s --cert ca.crt --key ca.key`, or leave certificates.ca out to have a CA made", namespace, name, name, namespace)
	case !found:
		if err := s.CheckAuthority(ctx); err != nil {
			return nil, false, err
		}
		if data, err = s.makeAuthority(ctx, name); err != nil {
			return nil, false, err
		}
	}
	if err := s.checkOwn(ctx); err != nil { // another environment may have been faster, too
		return nil, false, err
	}
	ca, err = s.parse(data)
	return ca, !found, err
}

func (s Store) makeAuthority(ctx context.Context, name string) (map[string][]byte, error) {
	ca, err := keystore.NewCA("Lockstep CA of "+s.Env.Name, caValidity, s.names().Permitted()...)
	if err != nil {
		return nil, err
	}
	key, err := ca.KeyPEM()
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{corev1.TLSCertKey: ca.CertPEM(), corev1.TLSPrivateKeyKey: key}
	labels := cluster.Labels(s.Env.Name)
	labels[cluster.NamespaceLabel] = s.Env.Namespace
	made, err := s.Cluster.CreateSecret(ctx, s.Env.CANamespace(), name, corev1.SecretTypeTLS, labels, data)
	if err != nil || made {
		return data, err
	}
	data, _, err = s.Cluster.Secret(ctx, s.Env.CANamespace(), name) // another attempt was faster: its CA counts
	return data, err
}

func (s Store) missing(ctx context.Context) (bool, error) {
	for _, c := range component.WithStores(s.Env) {
		for _, store := range c.Stores {
			name := store.Secret
			_, found, err := s.Cluster.Secret(ctx, s.Env.Namespace, name)
			switch {
			case err != nil:
				return false, err
			case !found && name == s.Env.Certificates.GatewayTLS:
				return false, failure.Final(failure.NotFound, "Secret %s/%s, named by certificates.gatewayTLS, does not exist: create it with "+
					"`kubectl create secret tls`, or leave certificates.gatewayTLS out to have it minted", s.Env.Namespace, name)
			case !found:
				return true, nil
			}
		}
	}
	_, found, err := s.Cluster.ConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap)
	return !found, err
}

// write creates what is not there; creating never overwrites.
func (s Store) write(ctx context.Context, ca *keystore.CA, stores keystore.Stores) error {
	labels := cluster.Labels(s.Env.Name)
	for _, c := range component.WithStores(s.Env) {
		for _, store := range c.Stores {
			if _, err := s.Cluster.CreateSecret(ctx, s.Env.Namespace, store.Secret, store.Type, labels, store.Of(stores)); err != nil {
				return err
			}
		}
	}
	_, err := s.Cluster.CreateConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap, labels, map[string]string{keystore.CAKey: string(ca.CertPEM())})
	return err
}
