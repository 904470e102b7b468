package clusters

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"lockstep/config"
)

// Check says what an environment asks for that the cluster does not allow.
func (c Cluster) Check(e config.Environment) (found config.Problems) {
	next := func(list string) string {
		return fmt.Sprintf("write one that it allows, or let whoever runs the worker add it to allow.%s in %s", list, c.Where())
	}
	if !c.Allow.Namespace(e.Namespace) {
		found.Add("namespace", e.Namespace, c.refuses("this namespace", c.Allow.Namespaces), next("namespaces"))
	}
	if c.Allow.KeepsAuthorities(e.Namespace) {
		found.Add("namespace", e.Namespace, fmt.Sprintf("is for keys of CAs: cluster %q has it in allow.caNamespaces, and who is in it could read them", c.Name),
			"write another namespace that it allows, or let whoever runs the worker correct allow.caNamespaces in "+c.Where())
	}
	if ca := e.Certificates.CANamespace; ca != "" && ca != e.Namespace && !c.Allow.CANamespace(ca) {
		found.Add("certificates.caNamespace", ca, c.refuses("this namespace", c.Allow.CANamespaces), next("caNamespaces"))
	}
	for path, chart := range map[string]config.Chart{"identityServer.chart": e.IdentityServer.Chart, "apiManager.chart": e.APIManager.Chart} {
		if !c.AllowsChart(chart) {
			found.Add(path, chart.Repository+chart.OCI, c.refuses("charts from there", c.Allow.ChartSources), next("chartSources"))
		}
		if chart.Path != "" && c.Charts == "" {
			found.Add(path+".path", chart.Path, fmt.Sprintf("names a chart in the folder of charts, but cluster %q has no such folder", c.Name),
				"write repository or oci, or let whoever runs the worker set charts in "+c.Where())
		}
	}
	for path, image := range map[string]string{"image.base": e.Image.Base, "image.target": e.Image.Target, "apiManager.image": e.APIManager.Image} {
		if !c.Allow.Image(image) {
			found.Add(path, image, c.refuses("images from there", c.Allow.ImageRegistries), next("imageRegistries"))
		}
	}
	for i, artifact := range e.Image.Artifacts {
		if !c.Allow.Artifact(artifact.URL) {
			found.Add(fmt.Sprintf("image.artifacts[%d].url", i), artifact.URL, c.refuses("artifacts from there", c.Allow.ArtifactHosts), next("artifactHosts"))
		}
	}
	for i, host := range e.Image.PlainHTTP {
		if c.Allow.ImageRegistries != nil && !slices.Contains(c.PlainHTTP, host) {
			found.Add(fmt.Sprintf("image.plainHTTP[%d]", i), host, fmt.Sprintf("is not a registry that cluster %q reaches without TLS", c.Name),
				"remove it, or let whoever runs the worker add it to plainHTTP in "+c.Where())
		}
	}
	slices.SortFunc(found, func(a, b config.Problem) int { return strings.Compare(a.Path, b.Path) })
	return found
}

func (c Cluster) refuses(what string, allowed []string) string {
	if len(allowed) == 0 {
		return fmt.Sprintf("is refused: cluster %q allows none", c.Name)
	}
	return fmt.Sprintf("is refused: cluster %q does not allow %s; it allows %s", c.Name, what, strings.Join(allowed, ", "))
}

// Namespace says whether environments may be in a namespace.
func (a Allow) Namespace(namespace string) bool {
	return a.Namespaces == nil || matches(a.Namespaces, namespace)
}

// CANamespace says whether environments may have the key of their CA in a namespace apart. A file that has limits but not this one allows none:
// the namespaces that environments may be in would be those of others.
func (a Allow) CANamespace(namespace string) bool {
	if a.CANamespaces == nil {
		return a.Namespaces == nil && a.ChartSources == nil && a.ImageRegistries == nil && a.ArtifactHosts == nil
	}
	return matches(a.CANamespaces, namespace)
}

// KeepsAuthorities says whether a namespace is said to be for the keys of CAs, so that no environment may be in it.
func (a Allow) KeepsAuthorities(namespace string) bool { return matches(a.CANamespaces, namespace) }

// AllowsChart says whether environments may have a chart from where it comes. The cluster's own gateway chart, and what is in its
// folder of charts, it always allows.
func (c Cluster) AllowsChart(chart config.Chart) bool {
	source := chart.Repository + chart.OCI
	return c.Allow.ChartSources == nil || source == "" || c.Owns(chart) ||
		slices.ContainsFunc(c.Allow.ChartSources, func(allowed string) bool { return below(allowed, source) })
}

// Owns says whether a chart is the cluster's own: that of the gateway.
func (c Cluster) Owns(chart config.Chart) bool {
	own := c.Gateway.Chart
	if own.Version == "" {
		own.Version = chart.Version // the newest that fits
	}
	return chart == own
}

// Image says whether environments may name an image.
func (a Allow) Image(reference string) bool {
	if a.ImageRegistries == nil {
		return true
	}
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return false
	}
	host := parsed.Context().RegistryStr()
	if host == name.DefaultRegistry {
		host = "docker.io" // it has two names
	}
	place := host + "/" + parsed.Context().RepositoryStr()
	return slices.ContainsFunc(a.ImageRegistries, func(allowed string) bool { return below("//"+allowed, "//"+place) })
}

// Artifact says whether environments may have files fetched from there.
func (a Allow) Artifact(address string) bool {
	if a.ArtifactHosts == nil {
		return true
	}
	parsed, err := url.Parse(address)
	return err == nil && (matches(a.ArtifactHosts, strings.ToLower(parsed.Host)) || parsed.Port() != "" && parsed.Port() == "443" && matches(a.ArtifactHosts, strings.ToLower(parsed.Hostname())))
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matched, err := path.Match(strings.ToLower(pattern), name)
		return err == nil && matched
	})
}

// below says whether an address is the allowed one, or leads below it. Neither the case of a host nor a slash at the end makes a
// difference; a path that is not in its shortest form is nowhere.
func below(allowed, address string) bool {
	want, err := url.Parse(allowed)
	if err != nil {
		return false
	}
	is, err := url.Parse(address)
	if err != nil || is.User != nil || is.RawQuery != "" || is.Fragment != "" {
		return false
	}
	wantPath, isPath := strings.TrimSuffix(want.Path, "/"), strings.TrimSuffix(is.Path, "/")
	if isPath != "" && path.Clean(isPath) != isPath {
		return false
	}
	return want.Scheme == is.Scheme && strings.EqualFold(want.Host, is.Host) && (isPath == wantPath || strings.HasPrefix(isPath, wantPath+"/"))
}
