// Package tenants looks who is on a cluster: its version, its gateway controller, and the environments.
package tenants

import (
	"cmp"
	"context"
	"slices"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/release"
)

// Environment is one that is on a cluster.
type Environment struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// Found is what there is on a cluster.
type Found struct {
	Kubernetes   string        `json:"kubernetes,omitempty"`
	Gateway      string        `json:"gateway,omitempty"` // chart and version of the gateway controller; empty: Lockstep installed none
	Environments []Environment `json:"environments,omitempty"`
}

// Look asks a cluster. It changes nothing. With an error it gives what it found before.
func Look(ctx context.Context, c *cluster.Client, releases *release.Engine, controller config.Controller) (found Found, err error) {
	version, err := c.Version(ctx)
	if err != nil {
		return found, err
	}
	found.Kubernetes = version.Git
	if controller.Installs() { // else the worker may not be allowed to read the release
		state, err := releases.Look(ctx, controller.Namespace, controller.Release)
		if err != nil {
			return found, err
		}
		if state.Exists {
			found.Gateway = state.Chart + " " + state.Version
		}
	}
	found.Environments, err = environments(ctx, c)
	return found, err
}

// environments are those that have a Gateway. Where no Gateway API is served there are none.
func environments(ctx context.Context, c *cluster.Client) (all []Environment, _ error) {
	gateways, err := c.List(ctx, "gateway.networking.k8s.io/v1", "Gateway", "", cluster.ManagedByLabel+"="+cluster.ManagedBy)
	if failure.Is(err, failure.NotFound) {
		return nil, nil
	}
	for _, gateway := range gateways {
		if name := gateway.GetLabels()[cluster.EnvironmentLabel]; name != "" {
			all = append(all, Environment{Name: name, Namespace: gateway.GetNamespace()})
		}
	}
	slices.SortFunc(all, func(a, b Environment) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Namespace, b.Namespace))
	})
	return slices.Compact(all), err
}
