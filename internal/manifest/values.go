package manifest

import (
	"math"
	"strings"
	"time"

	"lockstep/internal/failure"
)

// Text is the string at a path of values, or nothing.
func Text(values map[string]any, path ...string) string {
	node := any(values)
	for _, key := range path {
		table, isMap := node.(map[string]any)
		if !isMap {
			return ""
		}
		node = table[key]
	}
	text, _ := node.(string)
	return text
}

// Image is an image reference in the parts that charts want it in.
type Image struct{ Registry, Repository, Tag, Digest string }

// ParseImage takes a reference apart without changing it: docker.io stays docker.io. A reference without a host is one
// of Docker Hub.
func ParseImage(reference string) (Image, error) {
	rest, digest, _ := strings.Cut(reference, "@")
	host, path, found := strings.Cut(rest, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		host, path = "docker.io", rest
	}
	path, tag, _ := strings.Cut(path, ":")
	if path == "" || digest != "" && !strings.HasPrefix(digest, "sha256:") {
		return Image{}, failure.Final(failure.InvalidConfig, "image %q is no reference: write registry/path/name:tag or registry/path/name@sha256:…", reference)
	}
	if host == "docker.io" && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return Image{host, path, tag, digest}, nil
}

// Tries is how many probes of one period fit into the time that a program may take to start.
func Tries(limit, period time.Duration) int {
	return max(1, int(math.Ceil(limit.Seconds()/period.Seconds())))
}

// CheckNames refuses values that rename a chart's objects: routes, certificates and waits go by the names that follow
// from the release's.
func CheckNames(values map[string]any) error {
	for _, key := range []string{"fullnameOverride", "nameOverride"} {
		if values[key] != nil && values[key] != "" {
			return failure.Final(failure.InvalidConfig, "values set %s: remove it and choose the release name instead", key)
		}
	}
	return nil
}
