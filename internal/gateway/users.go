package gateway

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// Cluster reads the objects of a cluster.
type Cluster interface {
	Get(ctx context.Context, ref cluster.Ref) (object *unstructured.Unstructured, found bool, err error)
	List(ctx context.Context, apiVersion, kind, namespace, selector string) ([]*unstructured.Unstructured, error)
}

// Look reads all objects of the [Watched] kinds.
func Look(ctx context.Context, c Cluster) (objects []*unstructured.Unstructured, err error) {
	for _, kind := range Watched() {
		some, err := c.List(ctx, kind.GroupVersion().String(), kind.Kind, "", "")
		if err != nil {
			return nil, err
		}
		objects = append(objects, some...)
	}
	return objects, nil
}

// Users names what others have that needs the gateway's controller.
func Users(ctx context.Context, c Cluster, env config.Environment) ([]string, error) {
	watched, err := Look(ctx, c)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, ref := range InUse(env, watched) {
		users = append(users, ref.String())
	}
	return users, nil
}

// Wanted is what to apply: the Gateway and what it needs. A GatewayClass of that name that somebody else made is used as it is.
func Wanted(ctx context.Context, c Cluster, env config.Environment) ([]*unstructured.Unstructured, error) {
	class, _, err := c.Get(ctx, cluster.RefOf(class(env)))
	if err != nil {
		return nil, err
	}
	return Plan(env, class)
}

// CheckAlone refuses a second controller of the environment's controller name: both would reconcile the same classes, and removing ours
// again would leave what it made for somebody else's. There is no release of the environment's gateway.
func CheckAlone(ctx context.Context, c Cluster, env config.Environment) error {
	watched, err := Look(ctx, c)
	if err != nil {
		return err
	}
	for _, user := range InUse(env, watched) {
		if user.Kind == "GatewayClass" {
			return failure.Final(failure.Conflict, "gateway.install: %s is somebody else's and names controller %s, and there is no release %s/%s: another gateway "+
				"controller serves it, and a second one of that name would take it over. Next: in the cluster's file, use the one that is there (gateway.install: false, "+
				"gateway.gatewayClass: %s), or install another one beside it (gateway.controllerName and gateway.values)",
				user, env.Routing.ControllerName, env.Routing.Namespace, env.Routing.Release, user.Name)
		}
	}
	return nil
}
