package validation

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"lockstep/config"
)

// exactVersion is SemVer with an optional v; halfVersion lacks parts of it, anyVersion has an x in their place.
var (
	exactVersion = regexp.MustCompile(`^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)
	halfVersion  = regexp.MustCompile(`^v?\d+(\.\d+)?$`)
	anyVersion   = regexp.MustCompile(`(^|\.)[xX](\.|$)`)
)

type chartField struct {
	path    string
	chart   config.Chart
	example string // a version for the next move
}

func charts(e config.Environment) []chartField {
	return []chartField{
		{"identityServer.chart", e.IdentityServer.Chart, config.DefaultISVersion},
		{"apiManager.chart", e.APIManager.Chart, config.DefaultAPIMVersion},
	}
}

func checkCharts(e config.Environment) (found problems) {
	for _, field := range charts(e) {
		found = append(found, field.checkSource()...)
		found = append(found, field.checkVersion()...)
		found = append(found, field.checkPins()...)
		if path := field.chart.Path; path != "" && !filepath.IsLocal(path) {
			found.Add(field.path+".path", path, "leads out of the folder of charts: an environment names no file of the worker's machine",
				"write the name of a chart in the folder of charts that the cluster's file names, for example wso2am-4.7.0-1.tgz")
		}
	}
	return found
}

// checkSource wants exactly one of repository, oci and path.
func (f chartField) checkSource() (found problems) {
	var given []string
	for name, value := range map[string]string{"repository": f.chart.Repository, "oci": f.chart.OCI, "path": f.chart.Path} {
		if value != "" {
			given = append(given, name)
		}
	}
	if len(given) != 1 {
		found.Add(f.path, "", fmt.Sprintf("has %d sources, but needs exactly one", len(given)), "write exactly one of repository, oci and path")
		return found
	}
	switch given[0] {
	case "repository":
		found.repository(f.path, f.chart)
	case "oci":
		found.oci(f.path+".oci", f.chart.OCI)
	}
	if f.chart.Name != "" && f.chart.Repository == "" {
		found.Add(f.path+".name", f.chart.Name, "is only for repository: oci and path name the chart themselves", "remove it")
	}
	return found
}

var manifestDigest = regexp.MustCompile(config.DigestPattern)

// checkPins wants digests that can be compared with what comes from the source.
func (f chartField) checkPins() (found problems) {
	c := f.chart
	found.sha256(f.path+".sha256", c.SHA256)
	switch {
	case c.SHA256 != "" && c.OCI != "":
		found.Add(f.path+".sha256", c.SHA256, "is of an archive, but the chart comes from a registry", "remove it, and write digest: what helm push, or the report of a deployment, prints")
	case c.Digest != "" && c.OCI == "":
		found.Add(f.path+".digest", c.Digest, "is of a registry, but the chart does not come from one", "remove it, and write sha256: the 64 hex digits that sha256sum prints of the archive")
	case c.Digest != "" && !manifestDigest.MatchString(c.Digest):
		found.Add(f.path+".digest", c.Digest, "is not a digest", "write sha256: and 64 hex digits, as helm push prints them")
	case c.Digest+c.SHA256 != "" && c.Version == "" && c.Path == "":
		found.Add(f.path+".version", "", "is missing beside a digest, which is of one version", "write the version that the digest is of")
	}
	return found
}

// Unpinned are the fields of what an environment has fetched without a digest: the same file can deploy something else tomorrow if its
// source serves something else. Charts on disk are not among them.
func Unpinned(e config.Environment) (fields []string) {
	for _, field := range charts(e) {
		switch c := field.chart; {
		case c.Repository != "" && c.SHA256 == "":
			fields = append(fields, field.path+".sha256")
		case c.OCI != "" && c.Digest == "":
			fields = append(fields, field.path+".digest")
		}
	}
	for _, image := range []struct{ path, reference string }{{"image.base", e.Image.Base}, {"apiManager.image", e.APIManager.Image}} {
		if !strings.Contains(image.reference, "@") {
			fields = append(fields, image.path)
		}
	}
	for i, artifact := range e.Image.Artifacts {
		if artifact.SHA256 == "" {
			fields = append(fields, fmt.Sprintf("image.artifacts[%d].sha256", i))
		}
	}
	return fields
}

func (p *problems) repository(path string, chart config.Chart) {
	parsed, err := url.Parse(chart.Repository)
	switch {
	case strings.HasPrefix(chart.Repository, "oci://"):
		p.Add(path+".repository", chart.Repository, "is an OCI reference", "write it as oci, with the name of the chart at its end, and remove repository and name")
	case err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		p.Add(path+".repository", chart.Repository, "is not an http(s) URL", "write what helm repo list shows, as "+config.DefaultRepository)
	case parsed.User != nil:
		p.Add(path+".repository", "", "contains a user or a password", "remove both: an environment file never holds a secret")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		p.Add(path+".repository", "", "contains a query or a fragment", "write only the address of the repository, as "+config.DefaultRepository)
	}
	switch {
	case chart.Name == "":
		p.Add(path+".name", "", "is missing", "write the name of the chart in the repository, as "+config.DefaultISChart)
	case strings.Contains(chart.Name, "/"):
		p.Add(path+".name", chart.Name, "contains the alias of a repository", "write only "+chart.Name[strings.LastIndex(chart.Name, "/")+1:])
	}
}

func (p *problems) oci(path, ref string) {
	rest, isOCI := strings.CutPrefix(ref, "oci://")
	host, repository, _ := strings.Cut(rest, "/")
	last := repository[strings.LastIndex(repository, "/")+1:]
	switch {
	case !isOCI:
		p.Add(path, ref, "does not begin with oci://", "write oci://registry/path/chart, as "+config.DefaultGatewayChart)
	case host == "" || repository == "" || last == "":
		p.Add(path, ref, "has no registry or no path", "write oci://registry/path/chart, as "+config.DefaultGatewayChart)
	case strings.ContainsAny(host, "@"):
		p.Add(path, "", "contains a user or a password", "remove both: the worker logs in to registries with its docker config")
	case strings.ContainsAny(last, ":@"):
		p.Add(path, ref, "has a tag or a digest", "write it as version, and remove it from oci")
	}
}

// checkVersion wants one exact version: without one Helm takes what is newest today, and skips pre-releases, as which
// it sees all of WSO2's chart versions (4.7.0-1).
func (f chartField) checkVersion() (found problems) {
	version, path := f.chart.Version, f.path+".version"
	exact := "write an exact version, as " + f.example
	switch {
	case version == "" && (f.chart.Path != "" || f.chart.OCI == config.DefaultGatewayChart): // then the cluster decides
	case version == "":
		found.Add(path, "", "is missing", exact+"; helm search repo --versions --devel lists them")
	case exactVersion.MatchString(version):
	case strings.ContainsAny(version, "^~<>=|*, ") || anyVersion.MatchString(version):
		found.Add(path, version, "is a range: the same file can deploy something else tomorrow", exact)
	case halfVersion.MatchString(version):
		found.Add(path, version, "is only a part of a version: Helm reads it as a range", exact)
	default:
		found.Add(path, version, "is not a SemVer version (Helm says: improper constraint)", exact)
	}
	return found
}

// warnCharts speaks of versions that are exact but will hardly be found, and of an Identity Server chart made for
// another version than the image.
func warnCharts(e config.Environment) (found problems) {
	for _, field := range charts(e) {
		chart := field.chart
		if chart.Repository == config.DefaultRepository && exactVersion.MatchString(chart.Version) && !strings.Contains(chart.Version, "-") {
			found.Add(field.path+".version", chart.Version, "has no -N at its end: WSO2 publishes its charts as "+chart.Version+"-1, -2, …, so Helm finds no such version",
				"write "+chart.Version+"-1, or what helm search repo --versions --devel lists")
		}
	}
	found.madeFor("identityServer.chart.version", e.IdentityServer.Chart.Version, e.Image.Base,
		"the server may need what this chart does not configure (charts of 7.1 have no agent identity database)")
	found.madeFor("apiManager.chart.version", e.APIManager.Chart.Version, e.APIManager.Image,
		"the server may not read what this chart configures")
	return found
}

// madeFor warns of a chart and an image of different product versions.
func (p *problems) madeFor(path, version, image, means string) {
	made, runs := config.MinorVersion(version), config.MinorVersion(config.ImageVersion(image))
	if made != "" && runs != "" && made != runs {
		p.Add(path, version, "is a chart for "+made+", but the image is "+runs+": "+means, "use a chart of "+runs)
	}
}
