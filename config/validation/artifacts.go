package validation

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"lockstep/config"
)

var (
	sha256Hex    = regexp.MustCompile(config.SHA256Pattern)
	absoluteHome = regexp.MustCompile(`^/home/[^/]+/(wso2[a-z]+)-([0-9][^/]*)/?(.*)$`)
)

func checkArtifacts(e config.Environment) (found problems) {
	landing := map[string]string{}
	for i, artifact := range e.Image.Artifacts {
		at := fmt.Sprintf("image.artifacts[%d]", i)
		found.artifactURL(at+".url", artifact.URL)
		found.sha256(at+".sha256", artifact.SHA256)
		found.destination(at+".destination", artifact, config.ImageVersion(e.Image.Base))
		file := artifact.File()
		if first, taken := landing[file]; taken {
			found.Add(at, file, "has the same place in the image as "+first, "write another destination for one of the two")
		}
		landing[file] = at
	}
	return found
}

func (p *problems) artifactURL(at, text string) {
	parsed, err := url.Parse(text)
	switch {
	case text == "":
		p.Add(at, "", "is missing", "write the http(s) URL of the file")
	case err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https":
		p.Add(at, text, "is not an http(s) URL", "write a URL from which the worker can fetch the file")
	case parsed.User != nil:
		p.Add(at, "", "contains a user or a password", "remove both: an environment file never holds a secret")
	case strings.HasSuffix(parsed.Path, "/") || parsed.Path == "":
		p.Add(at, text, "is the URL of a folder, not of a file", "write the URL of the file itself")
	}
}

func (p *problems) sha256(at, text string) {
	const next = "write the 64 hex digits that sha256sum prints"
	switch {
	case text == "" || sha256Hex.MatchString(text):
	case strings.HasPrefix(text, "sha256:"):
		p.Add(at, text, "has the prefix sha256:", "write only the 64 hex digits")
	case sha256Hex.MatchString(strings.ToLower(text)):
		p.Add(at, text, "has upper-case digits", "write "+strings.ToLower(text))
	case len(text) == 40:
		p.Add(at, text, "has 40 digits: it looks like a SHA-1", next)
	default:
		p.Add(at, text, fmt.Sprintf("has %d characters, but must be 64 hex digits", len(text)), next)
	}
}

// destination wants a place below the image's WSO2_SERVER_HOME. The home is read from the image: a path that spells it
// out, as the ARG WSO2_SERVER_VERSION=7.0.0 of WSO2's Dockerfile on a 7.2.0 base, makes a folder that no server reads.
func (p *problems) destination(at string, artifact config.Artifact, base string) {
	text := artifact.Destination
	spelled := absoluteHome.FindStringSubmatch(text)
	switch {
	case spelled != nil && base != "" && !strings.HasPrefix(spelled[2], base) && !strings.HasPrefix(base, spelled[2]):
		p.Add(at, text, "is the home of "+spelled[1]+" "+spelled[2]+", but the base image is "+base+": the server would not find the file",
			"write it relative to the server's home: "+orDefault(spelled[3]))
	case spelled != nil:
		p.Add(at, text, "is an absolute path, but Lockstep reads WSO2_SERVER_HOME from the image", "write it relative to the server's home: "+orDefault(spelled[3]))
	case strings.HasPrefix(text, "/"):
		p.Add(at, text, "is an absolute path", "write it relative to the server's home, as "+config.DefaultDestination)
	case strings.Contains(text, "$") || strings.Contains(text, `\`):
		p.Add(at, text, "contains a variable or a backslash: Lockstep does not replace it", "write it relative to the server's home, as "+config.DefaultDestination)
	case path.Clean(text) == ".." || strings.HasPrefix(path.Clean(text), "../"):
		p.Add(at, text, "leads out of the server's home", "write a path below it, as "+config.DefaultDestination)
	case !strings.HasSuffix(text, "/") && path.Ext(text) == "":
		p.Add(at, text, "has no slash at its end: it would become a file in place of the folder", "write it with a slash: "+text+"/")
	}
}

func orDefault(destination string) string {
	if destination == "" {
		return config.DefaultDestination
	}
	if !strings.HasSuffix(destination, "/") && path.Ext(destination) == "" {
		return destination + "/"
	}
	return destination
}
