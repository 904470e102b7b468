package manifest

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"time"
)

// Merge puts over onto base, map by map, as Helm merges values: lists and scalars replace, and a null stays (it deletes
// the chart's default). Neither argument is changed.
func Merge(base, over map[string]any) map[string]any {
	merged := maps.Clone(base)
	if merged == nil {
		merged = map[string]any{}
	}
	for key, value := range over {
		below, isMap := merged[key].(map[string]any)
		above, alsoMap := value.(map[string]any)
		if isMap && alsoMap {
			value = Merge(below, above)
		}
		merged[key] = value
	}
	return merged
}

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
		return Image{}, fmt.Errorf("image %q is no reference: write registry/path/name:tag or registry/path/name@sha256:…", reference)
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

// FullName is the name that charts made by helm create derive from a release's.
func FullName(release, chart string) string {
	full := release
	if !strings.Contains(release, chart) {
		full = release + "-" + chart
	}
	return strings.TrimSuffix(full[:min(len(full), 63)], "-")
}

// CheckNames refuses values that rename a chart's objects: routes, certificates and waits go by the names that follow
// from the release's.
func CheckNames(values map[string]any) error {
	for _, key := range []string{"fullnameOverride", "nameOverride"} {
		if values[key] != nil && values[key] != "" {
			return fmt.Errorf("values set %s: remove it and choose the release name instead", key)
		}
	}
	return nil
}
