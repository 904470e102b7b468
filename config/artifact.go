package config

import (
	"net/url"
	"path"
	"strings"
)

// File is where the artifact lands, relative to WSO2_SERVER_HOME. A destination that is a folder gets the last part of
// the URL.
func (a Artifact) File() string {
	if !strings.HasSuffix(a.Destination, "/") {
		return path.Clean(a.Destination)
	}
	parsed, err := url.Parse(a.URL)
	if err != nil {
		return path.Clean(a.Destination)
	}
	return path.Join(a.Destination, path.Base(parsed.Path))
}
