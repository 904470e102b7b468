package activities

import (
	"context"

	"lockstep/config"
	"lockstep/internal/image"
	"lockstep/internal/preflight"
)

// Preflight is what the cluster, the chart repositories and the registry said before anything was touched.
type Preflight struct {
	Kubernetes      string   `json:"kubernetes"`
	APIManagerImage string   `json:"apiManagerImage"` // repository@digest
	Warnings        []string `json:"warnings,omitempty"`
	Summary         string   `json:"summary"`
}

// Tell implements [redact.Teller].
func (p *Preflight) Tell(say func(string) string) { tellAll(p.Warnings, say) }

func tellAll(texts []string, say func(string) string) {
	for i := range texts {
		texts[i] = say(texts[i])
	}
}

func summary(kubernetes string, env config.Environment) string {
	if !env.Routing.Installs() || env.Routing.Chart.Version == "" {
		return "Kubernetes " + kubernetes
	}
	return "Kubernetes " + kubernetes + ", gateway chart " + env.Routing.Chart.Version
}

// Preflight checks all that the environment file cannot tell: every problem is reported, not the first.
func (a *Activities) Preflight(ctx context.Context, in Input) (Preflight, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return Preflight{}, err
	}
	found, err := preflight.Check(ctx, preflight.Site{Cluster: s.cluster, Charts: s.charts, Releases: s.releases,
		Builder: func(ctx context.Context) (*image.Builder, error) { return a.builder(ctx, in.Env) }}, in.Env)
	if err != nil {
		return Preflight{}, err
	}
	return Preflight{Kubernetes: found.Kubernetes, APIManagerImage: found.APIManagerImage, Warnings: found.Warnings, Summary: summary(found.Kubernetes, in.Env)}, nil
}
