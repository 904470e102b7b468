package certificates

import (
	"context"
	"fmt"
	"slices"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/keystore"
	"lockstep/internal/objects"
)

// keyNamespace is the key of [keystore.CAConfigMap] that says in which namespace the CA's key is, if it is not its own.
const keyNamespace = "caNamespace"

// recordPlace has the ConfigMap say where the key of a CA of Lockstep's making is. While the user brings one, it says where the last of those is.
func (s Store) recordPlace(ctx context.Context) error {
	if s.Env.Certificates.CA != "" {
		return nil
	}
	place := s.Env.CANamespace()
	if place == s.Env.Namespace {
		place = ""
	}
	public, found, err := s.Cluster.ConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap)
	if err != nil || !found || public[keyNamespace] == place {
		return err
	}
	return s.Cluster.PatchConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap, keyNamespace, place)
}

// CheckAuthority fails before another CA is made for an environment that has one elsewhere, since its file said another
// certificates.caNamespace: its clients trust that one. Nobody but an administrator moves a CA's key: what is read for a moment by the wrong
// people is to be replaced.
func (s Store) CheckAuthority(ctx context.Context) error {
	if err := s.namespaceThere(ctx); err != nil || s.Env.Certificates.CA != "" {
		return err
	}
	if _, found, err := s.Cluster.Secret(ctx, s.Env.CANamespace(), s.Env.CASecret()); err != nil {
		return err
	} else if found {
		return s.checkOwn(ctx)
	}
	public, found, err := s.Cluster.ConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap)
	if err != nil || !found {
		return err
	}
	before := s.Env
	before.Certificates.CANamespace = public[keyNamespace]
	if before.CANamespace() == s.Env.CANamespace() {
		return nil // it is lost
	}
	return failure.Final(failure.Conflict, "certificates.caNamespace: the environment has a CA already, which its clients trust (ConfigMap %s/%s), and its key is not in Secret %s/%s: "+
		"move it there from Secret %s/%s, with its labels (docs/environment.md), or write certificates.caNamespace: %s", s.Env.Namespace, keystore.CAConfigMap,
		s.Env.CANamespace(), s.Env.CASecret(), before.CANamespace(), before.CASecret(), before.CANamespace())
}

// checkOwn fails if the Secret with the CA's key in a namespace apart is not labelled as this environment's: one of the same name, in another
// namespace of the cluster, has it too.
func (s Store) checkOwn(ctx context.Context) error {
	if s.Env.CANamespace() == s.Env.Namespace || s.Env.Certificates.CA != "" {
		return nil
	}
	ref := objects.Authority(s.Env)
	live, found, err := s.Cluster.Get(ctx, ref)
	if err != nil || !found || ref.Owns(live.GetLabels()) {
		return err
	}
	of := live.GetLabels()
	if other := of[cluster.NamespaceLabel]; other != "" && other != s.Env.Namespace || of[cluster.EnvironmentLabel] != "" && of[cluster.EnvironmentLabel] != s.Env.Name {
		return failure.Final(failure.Conflict, "certificates.caNamespace: %s has the CA of environment %q in namespace %q, not of this one in namespace %q: give this environment "+
			"another name, or another certificates.caNamespace", ref, of[cluster.EnvironmentLabel], other, s.Env.Namespace)
	}
	return failure.Final(failure.Conflict, "certificates.caNamespace: %s does not say whose CA it has. If it is this environment's, let an administrator label it: "+
		"kubectl label secret %s -n %s %s=%s %s=%s %s=%s", ref, ref.Name, ref.Namespace, cluster.ManagedByLabel, cluster.ManagedBy,
		cluster.EnvironmentLabel, s.Env.Name, cluster.NamespaceLabel, s.Env.Namespace)
}

// Elsewhere are the Secrets in which a key of the environment's own CA may be, beside the one that its file says now: in its own namespace, and
// where it was deployed with.
func (s Store) Elsewhere(ctx context.Context) (refs []cluster.Ref, err error) {
	public, _, err := s.Cluster.ConfigMap(ctx, s.Env.Namespace, keystore.CAConfigMap)
	if err != nil {
		return nil, err
	}
	for _, place := range []string{"", public[keyNamespace]} {
		own := s.Env
		own.Certificates.CA, own.Certificates.CANamespace = "", place
		if ref := objects.Authority(own); !slices.Contains(refs, ref) && ref != objects.Authority(s.Env) && !objects.Brought(ref, s.Env) {
			refs = append(refs, ref)
		}
	}
	return refs, nil
}

// namespaceThere fails if the file names a namespace for the CA that is not there. Lockstep makes none: who may read it is for its owner to say.
func (s Store) namespaceThere(ctx context.Context) error {
	name := s.Env.CANamespace()
	if name == s.Env.Namespace {
		return nil
	}
	_, found, err := s.Cluster.Get(ctx, cluster.Ref{APIVersion: "v1", Kind: "Namespace", Name: name})
	if err != nil || found {
		return err
	}
	return failure.Final(failure.NotFound, "certificates.caNamespace: namespace %s does not exist: create it, and let nobody read Secrets there but the worker (docs/permissions.md)", name)
}

// leftBehind warns of a key that was copied to another namespace, and is in the products' still.
func (s Store) leftBehind(ctx context.Context) ([]keystore.Finding, error) {
	if s.Env.CANamespace() == s.Env.Namespace {
		return nil, nil
	}
	ref := cluster.Ref{APIVersion: "v1", Kind: "Secret", Namespace: s.Env.Namespace, Name: config.OwnCASecret}
	live, found, err := s.Cluster.Get(ctx, ref)
	if err != nil || !found || live.GetLabels()[cluster.EnvironmentLabel] != s.Env.Name {
		return nil, err
	}
	return []keystore.Finding{{Where: ref.String(), Problem: "has the key of a CA still, though certificates.caNamespace is " + s.Env.CANamespace(),
		NextMove: fmt.Sprintf("delete it: kubectl delete secret %s -n %s", ref.Name, ref.Namespace), Warning: true}}, nil
}
