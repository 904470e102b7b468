package release

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/postrender"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/chart"
	"lockstep/internal/failure"
	"lockstep/internal/manifest"
)

// Render gives the objects of a release, post-rendered, without a cluster: a chart that asks for the cluster's
// version or kinds sees Helm's defaults. Hooks and CRDs are not among them.
func (e *Engine) Render(ctx context.Context, spec Spec) ([]*unstructured.Unstructured, error) {
	got, err := e.options.Charts().Fetch(ctx, spec.Chart)
	if err != nil {
		return nil, err
	}
	text, err := e.render(got, spec, nil)
	if err != nil {
		return nil, err
	}
	return decoded(text)
}

// render is what the release would be for a cluster with these capabilities, always as a first installation: what comes
// out depends on what is asked for alone and not on what is there.
func (e *Engine) render(got chart.Chart, spec Spec, capabilities *chartutil.Capabilities) (string, error) {
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
	copied, err := got.Copy()
	if err != nil {
		return "", err
	}
	release, err := install.Run(copied, values)
	if err != nil {
		return "", unrendered(spec, err)
	}
	return release.Manifest, e.allowed(spec, release)
}

// allowed asks whether a rendered release, its hooks included, may be made.
func (e *Engine) allowed(spec Spec, rendered *helmrelease.Release) error {
	if e.options.Allowed == nil {
		return nil
	}
	texts := []string{rendered.Manifest}
	for _, hook := range rendered.Hooks {
		texts = append(texts, hook.Manifest)
	}
	var all []*unstructured.Unstructured
	for _, text := range texts {
		objects, err := decoded(text)
		if err != nil {
			return err
		}
		all = append(all, objects...)
	}
	return e.options.Allowed(spec.Chart, spec.Namespace, all)
}

func (s Spec) postRenderer() postrender.PostRenderer {
	if s.PostRender == nil {
		return nil // not a typed nil: Helm asks whether there is one
	}
	return postRenderer(s.PostRender)
}

// postRenderer is a [Spec.PostRender] in Helm's terms.
type postRenderer func([]*unstructured.Unstructured) error

// Run mends a rendered manifest.
func (mend postRenderer) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	objects, err := manifest.Decode(rendered.Bytes())
	if err != nil {
		return nil, err
	}
	if err := mend(objects); err != nil {
		return nil, err
	}
	mended, err := manifest.Encode(objects)
	return bytes.NewBuffer(mended), err
}

// decoded reads the objects of a manifest that Helm rendered.
func decoded(text string) ([]*unstructured.Unstructured, error) {
	objects, err := manifest.Decode([]byte(text))
	if err != nil {
		return nil, final(RenderFailed, "correct the chart", "reading what it renders: %w", err)
	}
	return objects, nil
}

// normal copies values so that neither side sees the other's changes, with plain maps and whole numbers as int64.
func normal(values map[string]any) (map[string]any, error) {
	copied := config.Values{}
	data, err := json.Marshal(values)
	if err == nil {
		err = json.Unmarshal(data, &copied)
	}
	if err != nil {
		return nil, final(RenderFailed, "correct the values", "reading values: %w", err)
	}
	return copied, nil
}

func unrendered(spec Spec, err error) error {
	if _, known := failure.As(err); known {
		return err
	}
	e := final(RenderFailed, "correct the values", "rendering release %s: %w", spec.Name, failure.Reworded(oneLine(err.Error()), err))
	if strings.Contains(e.Cause.Error(), "chart requires kubeVersion") {
		e.Next = "use a chart version that is made for this cluster"
	}
	return e
}
