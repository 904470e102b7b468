package certificates

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/keystore"
)

// Rotate renews the stores of a component by the environment's CA, for that run of an operation, and says whether it renewed any. What somebody
// brought stays, and left says whose it is. Listeners that share one certificate get their own.
func (s Store) Rotate(ctx context.Context, c component.Component, run string) (renewed bool, left string, err error) {
	if left := s.Brought(c); left != "" {
		return false, left, nil
	}
	ca, err := s.signing(ctx)
	if err != nil {
		return false, "", err
	}
	if c.Kind == component.Gateway {
		err := s.CheckFormer(ctx)
		if failure.Is(err, failure.Conflict) {
			return false, err.Error(), nil
		}
		if err != nil {
			return false, "", err
		}
	}
	var all []string
	for _, store := range c.Stores {
		left, err := s.renew(ctx, ca, store, run)
		if err != nil {
			return false, "", err
		}
		if left != "" {
			all = append(all, left)
		}
	}
	if c.Kind == component.Gateway {
		err = s.separate(ctx)
	}
	return len(all) < len(c.Stores), strings.Join(all, "; "), err
}

func (s Store) renew(ctx context.Context, ca *keystore.CA, store keystore.Store, run string) (left string, err error) {
	data := func(old map[string][]byte) (map[string][]byte, error) { return s.renewed(ca, store, old) }
	ours, err := s.Cluster.ReplaceSecret(ctx, s.Env.Namespace, store.Secret, run, data)
	switch {
	case failure.Is(err, failure.NotFound) && store.Type == corev1.SecretTypeTLS:
		return "", s.first(ctx, store, run, data, err)
	case err == nil && !ours:
		return s.brought(store.Secret), nil
	}
	return "", err
}

// renewed is the data of a store's Secret, made anew of what it was. A listener's certificate needs none that was.
func (s Store) renewed(ca *keystore.CA, store keystore.Store, old map[string][]byte) (map[string][]byte, error) {
	var existing keystore.Existing
	store.Into(old, &existing)
	stores, err := keystore.Renew(ca, s.names(), time.Duration(s.Env.Certificates.Validity), s.Password, existing)
	return store.Of(stores), failure.In(fmt.Sprintf("renewing Secret %s/%s", s.Env.Namespace, store.Secret), err)
}

// first makes a listener's own certificate, where it shared one until now. Where it did not, absent says what is wrong.
func (s Store) first(ctx context.Context, store keystore.Store, run string, data func(map[string][]byte) (map[string][]byte, error), absent error) error {
	shared, err := s.former(ctx)
	if err != nil {
		return err
	}
	if !shared {
		return absent
	}
	made, err := data(nil)
	if err != nil {
		return err
	}
	return s.Cluster.MakeSecret(ctx, s.Env.Namespace, store.Secret, run, store.Type, cluster.Labels(s.Env.Name), made)
}

// Brought says whose the certificate of a component is, if its environment file names one. Empty: it is Lockstep's to renew, unless the
// Secret in the cluster is somebody else's.
func (s Store) Brought(c component.Component) string {
	for _, store := range c.Stores {
		if store.Secret == s.Env.Certificates.GatewayTLS {
			return s.brought(store.Secret)
		}
	}
	return ""
}

func (s Store) brought(name string) string {
	return fmt.Sprintf("Secret %s/%s was not made by Lockstep: renew it yourself", s.Env.Namespace, name)
}

// signing is the CA that the environment's clients trust.
func (s Store) signing(ctx context.Context) (*keystore.CA, error) {
	name := s.Env.CASecret()
	data, found, err := s.Cluster.Secret(ctx, s.Env.CANamespace(), name)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, failure.Final(failure.NotFound, "Secret %s/%s with the environment's CA does not exist: run `lockstep deploy`", s.Env.CANamespace(), name)
	}
	if err := s.checkOwn(ctx); err != nil {
		return nil, err
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
			"Put the earlier CA into the Secret", s.Env.CANamespace(), name, keystore.CAConfigMap)
	}
	return ca, nil
}

// Restore puts back the stores of a component as they were before that run. Listeners that shared a certificate do so again before their own
// go: then seen is called, which waits for the gateway's controller.
func (s Store) Restore(ctx context.Context, c component.Component, run string, seen func() error) error {
	if c.Kind == component.Gateway {
		shared, err := s.share(ctx, run)
		if err != nil {
			return err
		}
		if shared {
			if err := seen(); err != nil {
				return err
			}
		}
	}
	var errs []error
	for _, secret := range secrets(c) {
		errs = append(errs, s.Cluster.PutBackSecret(ctx, s.Env.Namespace, secret, run))
	}
	return failure.JoinTransient(errs...)
}

// Forget removes the copies of what the stores were.
func (s Store) Forget(ctx context.Context) error {
	for _, c := range component.WithStores(s.Env) {
		for _, secret := range secrets(c) {
			if err := s.Cluster.ForgetSecret(ctx, s.Env.Namespace, secret); err != nil {
				return err
			}
		}
	}
	return nil
}

// secrets are those that a rotation may have renewed: a worker of an earlier version renewed the listeners' former one.
func secrets(c component.Component) (all []string) {
	for _, store := range c.Stores {
		all = append(all, store.Secret)
	}
	if c.Kind == component.Gateway {
		all = append(all, config.FormerListenerSecret)
	}
	return all
}
