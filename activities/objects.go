package activities

import (
	"context"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/gateway"
	"lockstep/internal/identity"
)

// ObjectSet names the objects one step makes.
type ObjectSet string

// The sets of objects that deployments make outside Helm.
const (
	NamespaceObjects   ObjectSet = "namespace"
	CredentialObjects  ObjectSet = "credentials"
	CertificateObjects ObjectSet = "certificates"
	GatewayObjects     ObjectSet = "gateway"
	RouteObjects       ObjectSet = "routes"
	// GatewayNamespaceObjects is the namespace of the gateway's controller, unless the environment's own.
	GatewayNamespaceObjects ObjectSet = "gateway-namespace"
)

// CAConfigMap holds the certificate of the environment's CA, for whoever verifies the products' certificates.
const CAConfigMap = "wso2-ca-cert"

// SnapshotInput asks what there is of a set.
type SnapshotInput struct {
	Input
	Set ObjectSet `json:"set"`
}

// Snapshot records what there is of a set of objects, for [Activities.Restore]. Secrets are recorded by name alone.
func (a *Activities) Snapshot(ctx context.Context, in SnapshotInput) ([]cluster.Snapshot, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	snapshots, err := c.Snapshot(ctx, refs(in.Set, in.Env))
	return snapshots, classifyCluster(err)
}

// RestoreInput says what to go back to.
type RestoreInput struct {
	Scope  Scope              `json:"scope"`
	Before []cluster.Snapshot `json:"before"`
}

// Restore removes the objects that were not there and puts back those that were.
func (a *Activities) Restore(ctx context.Context, in RestoreInput) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	return a.restoreAll(ctx, c, in.Before)
}

// EnsureNamespace makes the environment's namespace.
func (a *Activities) EnsureNamespace(ctx context.Context, scope Scope) (string, error) {
	c, err := a.cluster(scope.Cluster)
	if err != nil {
		return "", err
	}
	created, err := c.EnsureNamespace(ctx, scope.Namespace, cluster.Labels(scope.Environment))
	if err != nil {
		return "", classifyCluster(err)
	}
	return madeOrKept(created), nil
}

func madeOrKept(made bool) string {
	if made {
		return "made"
	}
	return "unchanged"
}

// refs are the objects of a set. Those that another environment might have under the same name are only deleted if they carry this
// environment's label.
func refs(set ObjectSet, env config.Environment) []cluster.Ref {
	own := cluster.ManagedByLabel + "=" + cluster.ManagedBy + "," + cluster.EnvironmentLabel + "=" + env.Name
	object := func(kind, name string) cluster.Ref {
		return cluster.Ref{APIVersion: "v1", Kind: kind, Namespace: env.Namespace, Name: name, Owner: own}
	}
	secret := func(name string) cluster.Ref { return object("Secret", name) }
	switch set {
	case NamespaceObjects:
		return []cluster.Ref{{APIVersion: "v1", Kind: "Namespace", Name: env.Namespace, Owner: own}}
	case GatewayNamespaceObjects:
		if env.Routing.Namespace == env.Namespace {
			return nil
		}
		return []cluster.Ref{{APIVersion: "v1", Kind: "Namespace", Name: env.Routing.Namespace}} // environments share it
	case CredentialObjects:
		return []cluster.Ref{secret(env.CredentialsSecret())}
	case CertificateObjects:
		all := []cluster.Ref{secret(env.CASecret())}
		for _, c := range component.Of(env) {
			all = append(all, secret(c.Stores.Secret))
		}
		return append(all, object("ConfigMap", CAConfigMap))
	case GatewayObjects:
		return gateway.Refs(env)
	case RouteObjects:
		return gateway.IdentityServerRefs(env, identity.Service(env))
	default:
		return nil
	}
}
