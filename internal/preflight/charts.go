package preflight

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/image"
	"lockstep/internal/release"
	"lockstep/internal/trial"
)

// checkCharts renders every chart with the environment's values, and has the API server try the objects: what either refuses is known
// before anything is touched.
func checkCharts(ctx context.Context, c *cluster.Client, e *release.Engine, env config.Environment) error {
	// Stand-ins for what later steps find out; of the image only the form of its reference matters here.
	const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	var checks []check
	for _, row := range component.Installed(env) {
		checks = append(checks, func(ctx context.Context) error {
			spec, err := row.Spec(env.Name, component.Found{IdentityServer: env.Image.Target + "@" + digest, Version: "0.0.0", APIManager: env.APIManager.Image + "@" + digest},
				component.Pods{Checksum: "preflight"})
			if err != nil {
				return failure.In(row.Field, err)
			}
			objects, err := e.Render(ctx, spec)
			if err != nil {
				return failure.In(row.Field, err)
			}
			return failure.In(row.Field+".values", trial.Objects(ctx, c, namespaced(objects, spec.Namespace), digest))
		})
	}
	return all(ctx, checks)
}

// namespaced gives objects the namespace that Helm would.
func namespaced(objects []*unstructured.Unstructured, namespace string) []*unstructured.Unstructured {
	for _, object := range objects {
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
	}
	return objects
}

// checkRegistry finds base and API Manager images and tries the right to push, leaving nothing.
func checkRegistry(ctx context.Context, builder func(context.Context) (*image.Builder, error), env config.Environment, found *Found) error {
	b, err := builder(ctx)
	if err != nil {
		return err
	}
	plain := env.Image.PlainHTTP
	return all(ctx, []check{
		func(ctx context.Context) error {
			_, err := b.Resolve(ctx, "image.base", env.Image.Base, plain)
			return err
		},
		func(ctx context.Context) (err error) {
			found.APIManagerImage, err = b.Resolve(ctx, "apiManager.image", env.APIManager.Image, plain)
			return err
		},
		func(ctx context.Context) error {
			return b.Writable(ctx, env.Image.Target, plain)
		},
	})
}
