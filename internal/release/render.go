package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/postrender"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
)

// Render gives the objects of a release, post-rendered, without a cluster: a chart that asks for the cluster's
// version or kinds sees Helm's defaults. Hooks and CRDs are not among them.
func (e *Engine) Render(ctx context.Context, spec Spec) ([]*unstructured.Unstructured, error) {
	got, err := e.fetch(ctx, spec.Chart)
	if err != nil {
		return nil, err
	}
	manifest, err := e.render(got, spec, nil)
	if err != nil {
		return nil, err
	}
	return decode([]byte(manifest))
}

// render is what the release would be for a cluster with these capabilities, always as a first installation: what comes
// out depends on what is asked for alone and not on what is there.
func (e *Engine) render(got fetched, spec Spec, capabilities *chartutil.Capabilities) (string, error) {
	values, err := normal(spec.Values)
	if err != nil {
		return "", err
	}
	install := action.NewInstall(&action.Configuration{Log: e.options.Log})
	install.ReleaseName, install.Namespace = spec.Name, spec.Namespace
	install.ClientOnly, install.DryRun, install.SkipCRDs = true, true, true
	install.DisableOpenAPIValidation = true
	install.PostRenderer = spec.postRenderer()
	if capabilities != nil {
		install.KubeVersion, install.APIVersions = &capabilities.KubeVersion, capabilities.APIVersions
	}
	chart, err := got.copied()
	if err != nil {
		return "", invalid(err)
	}
	release, err := install.Run(chart, values)
	if err != nil {
		return "", unrendered(spec, err)
	}
	return release.Manifest, nil
}

func (s Spec) postRenderer() postrender.PostRenderer {
	if s.PostRender == nil {
		return nil // not a typed nil: Helm asks whether there is one
	}
	return postRenderer(s.PostRender)
}

// normal copies values so that neither side sees the other's changes, with plain maps and whole numbers as int64.
func normal(values map[string]any) (map[string]any, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("reading values: %w", err)
	}
	copied := config.Values{}
	if err := json.Unmarshal(data, &copied); err != nil {
		return nil, err
	}
	return copied, nil
}

func unrendered(spec Spec, err error) error {
	var known *Problem
	if errors.As(err, &known) {
		return err
	}
	p := &Problem{Reason: RenderFailed, Message: fmt.Sprintf("rendering release %s: %s", spec.Name, oneLine(err.Error())),
		NextMove: "correct the values", Err: err}
	if strings.Contains(p.Message, "chart requires kubeVersion") {
		p.NextMove = "use a chart version that is made for this cluster"
	}
	return p
}
