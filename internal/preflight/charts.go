package preflight

import (
	"context"

	"lockstep/config"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/image"
	"lockstep/internal/release"
)

// checkCharts renders every chart with the environment's values: what a chart refuses is known before anything is touched.
func checkCharts(ctx context.Context, e *release.Engine, env config.Environment) error {
	// Stand-ins for what later steps find out; of the image only the form of its reference matters here.
	const digest = "@sha256:0000000000000000000000000000000000000000000000000000000000000000"
	var checks []check
	for _, c := range component.Installed(env) {
		checks = append(checks, func(ctx context.Context) error {
			spec, err := c.Spec(env.Name, component.Found{IdentityServer: env.Image.Base + digest, Version: "0.0.0", APIManager: env.APIManager.Image + digest},
				component.Pods{Checksum: "preflight"})
			if err == nil {
				_, err = e.Render(ctx, spec)
			}
			return failure.In(c.Field, err)
		})
	}
	return all(ctx, checks)
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
