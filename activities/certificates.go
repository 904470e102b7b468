package activities

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/identity"
	"lockstep/internal/keystore"
)

// The CA outlives every certificate it signs.
const caValidity = 10 * 365 * 24 * time.Hour

// Certificates is what became of an environment's certificates.
type Certificates struct {
	Summary  string   `json:"summary"`
	Warnings []string `json:"warnings,omitempty"`
}

// EnsureCertificates mints what is missing of CA, stores and listener certificate. What is there is checked and kept: its keys may
// have signed tokens and encrypted data.
func (a *Activities) EnsureCertificates(ctx context.Context, in Input) (Certificates, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return Certificates{}, err
	}
	secrets, err := credentials(ctx, c, in.Env)
	if err != nil {
		return Certificates{}, err
	}
	m := minting{cluster: c, env: in.Env, password: string(secrets[keyKeystorePassword]),
		names: keystore.NamesFor(in.Env, apim.Service(in.Env), identity.Service(in.Env))}
	made, err := m.mint(ctx)
	if err != nil {
		return Certificates{}, err
	}
	warnings, err := m.check(ctx)
	return Certificates{Summary: madeOrKept(made), Warnings: warnings}, err
}

type minting struct {
	cluster  *cluster.Client
	env      config.Environment
	names    keystore.Names
	password string
}

// mint makes all stores as soon as one is missing, and writes those that are.
func (m minting) mint(ctx context.Context) (made bool, err error) {
	ca, made, err := m.authority(ctx)
	if err != nil {
		return false, err
	}
	missing, err := m.missing(ctx)
	if err != nil || !missing {
		return made, err
	}
	stores, err := keystore.Make(ca, m.names, time.Duration(m.env.Certificates.Validity), m.password)
	if err != nil {
		return false, fmt.Errorf("minting certificates: %w", err)
	}
	return true, m.write(ctx, ca, stores)
}

// authority is the environment's CA: the user's, or Lockstep's own, made once.
func (m minting) authority(ctx context.Context) (ca *keystore.CA, made bool, err error) {
	name := m.env.CASecret()
	data, found, err := m.cluster.Secret(ctx, m.env.Namespace, name)
	if err != nil {
		return nil, false, classifyCluster(err)
	}
	if !found && m.env.Certificates.CA != "" {
		return nil, false, failure(TypeNotFound, fmt.Sprintf("Secret %s/%s, named by certificates.ca, does not exist: create it with "+
			"`kubectl create secret tls %s -n %s --cert ca.crt --key ca.key`, or leave certificates.ca out to have a CA made", m.env.Namespace, name, name, m.env.Namespace))
	}
	if !found {
		if data, err = m.makeAuthority(ctx, name); err != nil {
			return nil, false, err
		}
	}
	ca, err = keystore.ParseCA(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, false, failure(TypeInvalidConfig, fmt.Sprintf("Secret %s/%s cannot sign certificates: %v", m.env.Namespace, name, err))
	}
	return ca, !found, nil
}

func (m minting) makeAuthority(ctx context.Context, name string) (map[string][]byte, error) {
	ca, err := keystore.NewCA("Lockstep CA of "+m.env.Name, caValidity)
	if err != nil {
		return nil, fmt.Errorf("making the CA: %w", err)
	}
	key, err := ca.KeyPEM()
	if err != nil {
		return nil, fmt.Errorf("making the CA: %w", err)
	}
	data := map[string][]byte{corev1.TLSCertKey: ca.CertPEM(), corev1.TLSPrivateKeyKey: key}
	made, err := m.cluster.CreateSecret(ctx, m.env.Namespace, name, corev1.SecretTypeTLS, cluster.Labels(m.env.Name), data)
	if err != nil || made {
		return data, classifyCluster(err)
	}
	data, _, err = m.cluster.Secret(ctx, m.env.Namespace, name) // another attempt was faster: its CA counts
	return data, classifyCluster(err)
}

func (m minting) missing(ctx context.Context) (bool, error) {
	for _, c := range component.Of(m.env) {
		name := c.Stores.Secret
		_, found, err := m.cluster.Secret(ctx, m.env.Namespace, name)
		if err != nil {
			return false, classifyCluster(err)
		}
		if !found && name == m.env.Certificates.GatewayTLS {
			return false, failure(TypeNotFound, fmt.Sprintf("Secret %s/%s, named by certificates.gatewayTLS, does not exist: create it with "+
				"`kubectl create secret tls`, or leave certificates.gatewayTLS out to have it minted", m.env.Namespace, name))
		}
		if !found {
			return true, nil
		}
	}
	_, found, err := m.cluster.ConfigMap(ctx, m.env.Namespace, CAConfigMap)
	return !found, classifyCluster(err)
}

// write creates what is not there; creating never overwrites.
func (m minting) write(ctx context.Context, ca *keystore.CA, s keystore.Stores) error {
	for _, c := range component.Of(m.env) {
		if _, err := m.cluster.CreateSecret(ctx, m.env.Namespace, c.Stores.Secret, c.Stores.Type, cluster.Labels(m.env.Name), c.Stores.Of(s)); err != nil {
			return classifyCluster(err)
		}
	}
	_, err := m.cluster.CreateConfigMap(ctx, m.env.Namespace, CAConfigMap, cluster.Labels(m.env.Name), map[string]string{caKey: string(ca.CertPEM())})
	return classifyCluster(err)
}

// caKey is the key that BackendTLSPolicy reads in a ConfigMap (Gateway API v1).
const caKey = "ca.crt"

// check reads back what is there now: stores of an earlier deployment must still fit hostnames and password.
func (m minting) check(ctx context.Context) (warnings []string, err error) {
	existing, err := existingStores(ctx, m.cluster, m.env)
	if err != nil {
		return nil, err
	}
	findings := keystore.Check(m.names, existing, m.password, time.Now())
	for _, finding := range findings {
		if finding.Warning {
			warnings = append(warnings, finding.String())
		}
	}
	if err := keystore.Err(findings); err != nil {
		return nil, failure(TypeInvalidConfig, fmt.Sprintf("certificates that exist in namespace %s do not fit the environment (its CA is in ConfigMap %s): %v",
			m.env.Namespace, CAConfigMap, err))
	}
	return warnings, nil
}

func existingStores(ctx context.Context, c *cluster.Client, env config.Environment) (keystore.Existing, error) {
	var existing keystore.Existing
	for _, of := range component.Of(env) {
		data, _, err := c.Secret(ctx, env.Namespace, of.Stores.Secret)
		if err != nil {
			return existing, classifyCluster(err)
		}
		of.Stores.Into(data, &existing)
	}
	data, _, err := c.ConfigMap(ctx, env.Namespace, CAConfigMap)
	existing.CA = []byte(data[caKey])
	return existing, classifyCluster(err)
}
