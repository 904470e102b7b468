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

// RotateInput says whose certificates are renewed.
type RotateInput struct {
	Input
	Component string `json:"component"`
}

// Rotated is what became of a component's certificates.
type Rotated struct {
	Left string `json:"left,omitempty"` // whose they are, if they are not Lockstep's to renew
}

// RotateCertificates renews the stores of a product, or the certificate of the gateway's listeners, by the environment's CA. What
// somebody brought is left alone.
func (a *Activities) RotateCertificates(ctx context.Context, in RotateInput) (Rotated, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return Rotated{}, err
	}
	of, err := component.Find(in.Env, in.Component)
	if err != nil {
		return Rotated{}, classify(err)
	}
	name := of.Stores.Secret
	if name == in.Env.Certificates.GatewayTLS {
		return Rotated{Left: brought(in.Env, name)}, nil
	}
	ca, password, err := signing(ctx, c, in.Env)
	if err != nil {
		return Rotated{}, err
	}
	names := keystore.NamesFor(in.Env, apim.Service(in.Env), identity.Service(in.Env))
	ours, err := c.ReplaceSecret(ctx, in.Env.Namespace, name, in.Scope.Run, func(old map[string][]byte) (map[string][]byte, error) {
		var existing keystore.Existing
		of.Stores.Into(old, &existing)
		stores, err := keystore.Renew(ca, names, time.Duration(in.Env.Certificates.Validity), password, existing)
		if err != nil {
			return nil, failure(TypeInvalidConfig, fmt.Sprintf("renewing Secret %s/%s: %v; run `lockstep drift`, which says what to do about it", in.Env.Namespace, name, err))
		}
		return of.Stores.Of(stores), nil
	})
	if err == nil && !ours {
		return Rotated{Left: brought(in.Env, name)}, nil
	}
	return Rotated{}, classifyCluster(err)
}

func brought(env config.Environment, name string) string {
	return fmt.Sprintf("Secret %s/%s was not made by Lockstep: renew it yourself", env.Namespace, name)
}

// signing is the CA that the environment's clients trust, and the password of its stores.
func signing(ctx context.Context, c *cluster.Client, env config.Environment) (*keystore.CA, string, error) {
	secrets, err := credentials(ctx, c, env)
	if err != nil {
		return nil, "", err
	}
	data, found, err := c.Secret(ctx, env.Namespace, env.CASecret())
	if err != nil {
		return nil, "", classifyCluster(err)
	}
	if !found {
		return nil, "", failure(TypeNotFound, fmt.Sprintf("Secret %s/%s with the environment's CA does not exist: run `lockstep deploy`", env.Namespace, env.CASecret()))
	}
	ca, err := keystore.ParseCA(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, "", failure(TypeInvalidConfig, fmt.Sprintf("Secret %s/%s cannot sign certificates: %v", env.Namespace, env.CASecret(), err))
	}
	public, _, err := c.ConfigMap(ctx, env.Namespace, CAConfigMap)
	if err != nil {
		return nil, "", classifyCluster(err)
	}
	if !ca.Signed([]byte(public[caKey])) {
		return nil, "", failure(TypeConflict, fmt.Sprintf("the CA in Secret %s/%s is not the one in ConfigMap %s, which clients trust: a rotation keeps the CA. "+
			"Put the CA of before into the Secret", env.Namespace, env.CASecret(), CAConfigMap))
	}
	return ca, string(secrets[keyKeystorePassword]), nil
}

// UndoRotateCertificates puts back the certificates of a component.
func (a *Activities) UndoRotateCertificates(ctx context.Context, in RotateInput) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	of, err := component.Find(in.Env, in.Component)
	if err != nil {
		return classify(err)
	}
	return classifyCluster(c.PutBackSecret(ctx, in.Env.Namespace, of.Stores.Secret, in.Scope.Run))
}

// SettleRotation removes the copies of what certificates were.
func (a *Activities) SettleRotation(ctx context.Context, in Input) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	for _, of := range component.Of(in.Env) {
		if err := c.ForgetSecret(ctx, in.Env.Namespace, of.Stores.Secret); err != nil {
			return classifyCluster(err)
		}
	}
	return nil
}
