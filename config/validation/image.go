package validation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"lockstep/config"
)

var platform = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?$`)

func checkImage(e config.Environment) (found problems) {
	base := found.image("image.base", e.Image.Base)
	target := found.target(e.Image.Target)
	if base != nil && target != nil && base.Name() == target.Name() {
		found.Add("image.target", e.Image.Target, "is the base image: the push would overwrite the image of the product",
			"write a repository of your own, for example registry.example.com/wso2is-km:7.2.0")
	}
	for i, text := range e.Image.Platforms {
		path := fmt.Sprintf("image.platforms[%d]", i)
		if !platform.MatchString(text) {
			found.Add(path, text, "is not a platform", "write os/architecture, for example linux/amd64")
		} else if slices.Index(e.Image.Platforms, text) < i {
			found.Add(path, text, "is given twice", "remove one of the two")
		}
	}
	for i, host := range e.Image.PlainHTTP {
		if host == "" || strings.ContainsAny(host, "/@ ") {
			found.Add(fmt.Sprintf("image.plainHTTP[%d]", i), host, "is not a registry host", "write host or host:port, without scheme and path")
		}
	}
	return found
}

// image notes what is no image reference with tag or digest.
func (p *problems) image(path, text string) name.Reference {
	ref, err := name.ParseReference(text)
	switch {
	case text == "":
		p.Add(path, "", "is missing", "write registry/repository:tag")
	case err != nil:
		p.Add(path, text, "is not an image reference: it must be a lower-case repository, then :tag or @sha256:digest", "write it as docker.io/wso2/wso2is:7.2.0")
	case !tagged(text):
		p.Add(path, text, "has no tag and no digest: the same file can deploy something else tomorrow", "add the tag, as :7.2.0")
	default:
		return ref
	}
	return nil
}

// target notes what cannot be pushed to as one tag of one repository.
func (p *problems) target(text string) name.Reference {
	const path = "image.target"
	_, err := name.ParseReference(text)
	host, _, hasPath := strings.Cut(text, "/")
	switch {
	case text == "":
		p.Add(path, "", "is missing", "write repository and tag to push to, for example registry.example.com/wso2is-km:7.2.0; the cluster must be able to pull it")
	case strings.Contains(text, "@"):
		p.Add(path, text, "has a digest, but the digest is known only after the build", "write only repository and tag")
	case err != nil:
		p.Add(path, text, "is not an image reference: it must be a lower-case repository, then :tag", "write it as registry.example.com/wso2is-km:7.2.0")
	case !tagged(text):
		p.Add(path, text, "has no tag", "add one, as "+text+":7.2.0")
	case !hasPath || !strings.ContainsAny(host, ".:") && host != "localhost":
		p.Add(path, text, "has no registry: Docker Hub would be used", "write the registry before it, for example docker.io/"+text)
	default:
		ref, _ := name.ParseReference(text) // parsed above
		return ref
	}
	return nil
}

func tagged(text string) bool {
	return strings.Contains(text[strings.LastIndex(text, "/")+1:], ":") || strings.Contains(text, "@")
}

func warnImage(e config.Environment) (found problems) {
	for _, field := range []struct{ path, ref string }{{"image.base", e.Image.Base}, {"apiManager.image", e.APIManager.Image}} {
		if strings.HasSuffix(field.ref, ":latest") {
			found.Add(field.path, field.ref, "has the tag latest: the same file can deploy another version tomorrow", "write the tag of a version")
		}
	}
	handler := false
	for i, artifact := range e.Image.Artifacts {
		handler = handler || strings.Contains(artifact.URL, "wso2is.notification.event.handlers")
		if strings.HasPrefix(artifact.URL, "http://") && artifact.SHA256 == "" {
			found.Add(fmt.Sprintf("image.artifacts[%d].url", i), artifact.URL, "is fetched without TLS, and its checksum comes from the same host",
				"set sha256, or use https")
		}
	}
	if !handler {
		found.Add("image.artifacts", "", "contain no wso2is.notification.event.handlers: if the base image does not have it either, API Manager never learns that a token was revoked",
			"add "+config.DefaultHandlerURL)
	}
	return found
}
