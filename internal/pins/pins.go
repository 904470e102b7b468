// Package pins says what a deployment used that its files do not pin by a digest.
package pins

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/internal/component"
	"lockstep/internal/outbound"
)

// Pins are what a deployment used that its files do not pin, ready to paste into them: YAML, empty if there is nothing of the kind. What
// pasting would spoil is in comments.
type Pins struct {
	// Environment is for the environment file, Cluster for the cluster's.
	Environment string `json:"environment,omitempty"`
	Cluster     string `json:"cluster,omitempty"`
}

// Used is what the steps of a deployment took.
type Used struct {
	Base            string            // image, repository:tag@digest
	Artifacts       []config.Artifact // each with its SHA-256
	APIManagerImage string            // repository@digest
	Charts          map[string]Chart  // by component
}

// Chart is the one that a release was made of.
type Chart struct {
	Version, Digest string
	Manifest        string // its digest, if it came from a registry
}

// Of are the pins that an environment and its cluster lack.
func Of(env config.Environment, used Used) Pins {
	of, image := map[string]any{}, map[string]any{}
	if used.Base != "" && !strings.Contains(env.Image.Base, "@") {
		image["base"] = used.Base
	}
	artifacts, lacks := unpinned(env.Image.Artifacts, used.Artifacts)
	aside := ""
	if lacks && slices.ContainsFunc(artifacts, func(a config.Artifact) bool { return outbound.Shown(a.URL) != a.URL }) {
		aside = beside(env.Image.Artifacts, artifacts)
	} else if lacks {
		image["artifacts"] = artifacts
	}
	put(of, "image", image)
	for _, c := range component.Products(env) {
		part := map[string]any{}
		if chart, found := pin(c.Chart, used.Charts[c.Name()]); found {
			part["chart"] = chart
		}
		if _, digest, found := strings.Cut(used.APIManagerImage, "@"); c.Kind == component.APIManager && found && !strings.Contains(env.APIManager.Image, "@") {
			part["image"] = env.APIManager.Image + "@" + digest
		}
		put(of, c.Field, part)
	}
	cluster := map[string]any{}
	if chart, found := pin(env.Routing.Chart, used.Charts[component.Gateway]); found {
		put(cluster, "gateway", map[string]any{"chart": chart})
	}
	return Pins{Environment: text(of) + aside, Cluster: text(cluster)}
}

// unpinned are all artifacts with the digests of those that were used, and whether the file lacks one.
func unpinned(wanted, used []config.Artifact) (out []config.Artifact, lacks bool) {
	if len(wanted) != len(used) {
		return nil, false
	}
	for i, w := range wanted {
		lacks = lacks || w.SHA256 == ""
		one := used[i]
		if one.Destination == config.DefaultDestination {
			one.Destination = ""
		}
		out = append(out, one)
	}
	return out, lacks
}

// beside says in comments what to add to artifacts of which one has an address that cannot be shown whole. A list is pasted as a whole, so
// that it would replace that address.
func beside(wanted, used []config.Artifact) string {
	var out strings.Builder
	out.WriteString("# The URL of an artifact has what is not shown, so these lines are not to paste: add each to its artifact.\n")
	for i, w := range wanted {
		if w.SHA256 == "" {
			fmt.Fprintf(&out, "# image.artifacts[%d]: sha256: %s\n", i, used[i].SHA256)
		}
	}
	return out.String()
}

// pin is the chart with the digest of what was used. A chart of whoever runs the worker, on disk, needs none.
func pin(c config.Chart, used Chart) (config.Chart, bool) {
	if c.SHA256 != "" || c.Digest != "" || c.Path != "" {
		return c, false
	}
	c.Version = used.Version
	if c.OCI != "" {
		c.Digest = used.Manifest
		return c, c.Digest != ""
	}
	hex, isDigest := strings.CutPrefix(used.Digest, "sha256:")
	c.SHA256 = hex
	return c, isDigest
}

func put(into map[string]any, key string, part map[string]any) {
	if len(part) > 0 {
		into[key] = part
	}
}

func text(of map[string]any) string {
	if len(of) == 0 {
		return ""
	}
	out, err := yaml.Marshal(of)
	if err != nil { // texts only
		return ""
	}
	return string(out)
}
