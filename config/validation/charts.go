package validation

import (
	"fmt"
	"lockstep/config"
	"net/url"
	"regexp"
	"strings"
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
		{"routing.chart", e.Routing.Chart, config.DefaultGatewayVersion},
		{"identityServer.chart", e.IdentityServer.Chart, config.DefaultISVersion},
		{"apiManager.chart", e.APIManager.Chart, config.DefaultAPIMVersion},
	}
}

func checkCharts(e config.Environment) (found problems) {
	for _, field := range charts(e) {
		found = append(found, field.checkSource()...)
		found = append(found, field.checkVersion()...)
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
		found.Add(f.path, "", fmt.Sprintf("names %d sources", len(given)), "give exactly one of repository, oci and path")
		return found
	}
	switch given[0] {
	case "repository":
		found.repository(f.path, f.chart)
	case "oci":
		found.oci(f.path+".oci", f.chart.OCI)
	}
	if f.chart.Name != "" && f.chart.Repository == "" {
		found.Add(f.path+".name", f.chart.Name, "belongs to a repository; oci and path name the chart themselves", "remove it")
	}
	return found
}

func (p *problems) repository(path string, chart config.Chart) {
	parsed, err := url.Parse(chart.Repository)
	switch {
	case strings.HasPrefix(chart.Repository, "oci://"):
		p.Add(path+".repository", chart.Repository, "is an OCI reference", "write it as oci, with the chart's name at its end, and leave repository and name out")
	case err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		p.Add(path+".repository", chart.Repository, "is no http(s) URL", "write what helm repo list shows, as "+config.DefaultRepository)
	case parsed.User != nil:
		p.Add(path+".repository", "", "holds a user or password", "remove them: the environment file never holds a secret")
	}
	switch {
	case chart.Name == "":
		p.Add(path+".name", "", "is missing", "name the chart in the repository, as "+config.DefaultISChart)
	case strings.Contains(chart.Name, "/"):
		p.Add(path+".name", chart.Name, "holds the alias of a repository", "write only "+chart.Name[strings.LastIndex(chart.Name, "/")+1:])
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
		p.Add(path, ref, "lacks registry or path", "write oci://registry/path/chart, as "+config.DefaultGatewayChart)
	case strings.ContainsAny(host, "@"):
		p.Add(path, "", "holds a user or password", "remove them: registries are logged in to with the worker's docker config")
	case strings.ContainsAny(last, ":@"):
		p.Add(path, ref, "has a tag or digest", "write it as version, and oci without it")
	}
}

// checkVersion wants one exact version: without one Helm takes what is newest today, and skips pre-releases, as which
// it sees all of WSO2's chart versions (4.7.0-1).
func (f chartField) checkVersion() (found problems) {
	version, path := f.chart.Version, f.path+".version"
	exact := "write an exact version, as " + f.example
	switch {
	case version == "" && f.chart.Path != "":
	case version == "":
		found.Add(path, "", "is missing", exact+"; helm search repo --versions --devel lists them")
	case exactVersion.MatchString(version):
	case strings.ContainsAny(version, "^~<>=|*, ") || anyVersion.MatchString(version):
		found.Add(path, version, "is a range: the same file would deploy something else tomorrow", exact)
	case halfVersion.MatchString(version):
		found.Add(path, version, "is part of a version, which Helm takes for a range", exact)
	default:
		found.Add(path, version, "is no SemVer version (Helm says: improper constraint)", exact)
	}
	return found
}

// warnCharts speaks of versions that are exact but will hardly be found, and of an Identity Server chart made for
// another version than the image.
func warnCharts(e config.Environment) (found problems) {
	for _, field := range charts(e)[1:] {
		chart := field.chart
		if chart.Repository == config.DefaultRepository && exactVersion.MatchString(chart.Version) && !strings.Contains(chart.Version, "-") {
			found.Add(field.path+".version", chart.Version, "has no -N: WSO2 publishes its charts as "+chart.Version+"-1, -2, …, and Helm takes those for pre-releases of it, so it finds nothing",
				"write "+chart.Version+"-1, or what helm search repo --versions --devel lists")
		}
	}
	found.madeFor("identityServer.chart.version", e.IdentityServer.Chart.Version, e.Image.Base,
		"what it configures may lack what the server needs (charts of 7.1 have no agent identity database)")
	found.madeFor("apiManager.chart.version", e.APIManager.Chart.Version, e.APIManager.Image,
		"what it configures may not be what the server reads")
	if !e.Routing.Installs() && len(e.Routing.Values) > 0 {
		found.Add("routing.values", "", "has no effect, as routing.install is false", "remove it, or let Lockstep install the gateway")
	}
	return found
}

// madeFor warns of a chart and an image of different product versions.
func (p *problems) madeFor(path, version, image, means string) {
	made, runs := config.MinorVersion(version), config.MinorVersion(config.ImageVersion(image))
	if made != "" && runs != "" && made != runs {
		p.Add(path, version, "is a chart for "+made+" while the image is "+runs+": "+means, "use a chart of "+runs)
	}
}
