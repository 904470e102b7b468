package certificates

import (
	"context"
	"fmt"
	"time"

	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/keystore"
)

// Rotate renews the stores of a component by the environment's CA, for that run of an operation. What somebody brought stays, and left
// says whose it is.
func (s Store) Rotate(ctx context.Context, c component.Component, run string) (left string, err error) {
	if left := s.Brought(c); left != "" {
		return left, nil
	}
	name := c.Stores.Secret
	ca, err := s.signing(ctx)
	if err != nil {
		return "", err
	}
	ours, err := s.Cluster.ReplaceSecret(ctx, s.Env.Namespace, name, run, func(old map[string][]byte) (map[string][]byte, error) {
		var existing keystore.Existing
		c.Stores.Into(old, &existing)
		stores, err := keystore.Renew(ca, s.names(), time.Duration(s.Env.Certificates.Validity), s.Password, existing)
		if err != nil {
			return nil, failure.In(fmt.Sprintf("renewing Secret %s/%s", s.Env.Namespace, name), err)
		}
		return c.Stores.Of(stores), nil
	})
	if err == nil && !ours {
		return s.brought(name), nil
	}
	return "", err
}

// Brought says whose the certificate of a component is, if its environment file names one. Empty: it is Lockstep's to renew, unless the
// Secret in the cluster is somebody else's.
func (s Store) Brought(c component.Component) string {
	if name := c.Stores.Secret; name != "" && name == s.Env.Certificates.GatewayTLS {
		return s.brought(name)
	}
	return ""
}

func (s Store) brought(name string) string {
	return fmt.Sprintf("Secret %s/%s was not made by Lockstep: renew it yourself", s.Env.Namespace, name)
}

// signing is the CA that the environment's clients trust.
func (s Store) signing(ctx context.Context) (*keystore.CA, error) {
	name := s.Env.CASecret()
	data, found, err := s.Cluster.Secret(ctx, s.Env.Namespace, name)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, failure.Final(failure.NotFound, "Secret %s/%s with the environment's CA does not exist: run `lockstep deploy`", s.Env.Namespace, name)
	}
	ca, err := s.parse(data)
	if err != nil {
		return nil, err
	}
	public, _, err := s.Cluster.ConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap)
	if err != nil {
		return nil, err
	}
	if !ca.Signed([]byte(public[keystore.CAKey])) {
		return nil, failure.Final(failure.Conflict, "the CA in Secret %s/%s is not the one in ConfigMap %s, which clients trust: a rotation keeps the CA. "+
			"Put the earlier CA into the Secret", s.Env.Namespace, name, keystore.CAConfigMap)
	}
	return ca, nil
}

// Restore puts back the stores of a component as they were before that run.
func (s Store) Restore(ctx context.Context, c component.Component, run string) error {
	return s.Cluster.PutBackSecret(ctx, s.Env.Namespace, c.Stores.Secret, run)
}

// Forget removes the copies of what the stores were.
func (s Store) Forget(ctx context.Context) error {
	for _, c := range component.WithStores(s.Env) {
		if err := s.Cluster.ForgetSecret(ctx, s.Env.Namespace, c.Stores.Secret); err != nil {
			return err
		}
	}
	return nil
}
