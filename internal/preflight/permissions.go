package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/rights"
)

// Permissions asks for all rights that the steps need, and fails with all of them that the worker's account has not.
func Permissions(ctx context.Context, c *cluster.Client, env config.Environment) error {
	makes, err := madeNamespaces(ctx, c, env)
	if err != nil {
		return err
	}
	lacks, err := c.Allowed(ctx, rights.Escalation(env.Routing.Controller))
	if err != nil {
		return err
	}
	denied, err := c.Allowed(ctx, rights.Needed(env, makes, len(lacks) == 0))
	if err != nil {
		return err
	}
	if len(denied) == 0 {
		return nil
	}
	command := fmt.Sprintf("lockstep setup rbac --cluster %s --namespaces %s", env.Cluster, env.Namespace)
	if env.CANamespace() != env.Namespace {
		command += " --ca-namespaces " + env.CANamespace()
	}
	return &failure.Error{Kind: failure.Unauthorized, Cause: errors.New("the worker's account may not " + strings.Join(grouped(denied), "; ")),
		Next: "let an administrator of the cluster apply what `" + command + "` prints, with all namespaces that the account is for (docs/permissions.md)"}
}

// madeNamespaces are those that are Lockstep's to make: they are not there.
func madeNamespaces(ctx context.Context, c *cluster.Client, env config.Environment) (makes rights.Makes, err error) {
	missing := func(name string) (bool, error) {
		_, found, err := c.Get(ctx, cluster.Ref{APIVersion: "v1", Kind: "Namespace", Name: name})
		if failure.Is(err, failure.Unauthorized) { // is said with all the others
			return false, nil
		}
		return err == nil && !found, err
	}
	if makes.Products, err = missing(env.Namespace); err == nil && env.Routing.Installs() {
		makes.Controller, err = missing(env.Routing.Namespace)
	}
	return makes, err
}

// manyDenied is how many kinds are named at most.
const manyDenied = 20

// grouped are the denied verbs, one text for each resource.
func grouped(denied []cluster.Access) []string {
	var order []cluster.Access // without verb and name
	verbs := map[cluster.Access][]string{}
	for _, one := range denied {
		verb := one.Verb
		one.Verb, one.Name = "", ""
		if verbs[one] == nil {
			order = append(order, one)
		}
		if !slices.Contains(verbs[one], verb) {
			verbs[one] = append(verbs[one], verb)
		}
	}
	var texts []string
	for _, one := range order {
		one.Verb = strings.Join(verbs[one], ", ")
		texts = append(texts, one.String())
	}
	if len(texts) > manyDenied {
		texts = append(texts[:manyDenied], fmt.Sprintf("and %d more", len(texts)-manyDenied))
	}
	return texts
}
