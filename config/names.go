package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// What fields may hold, for the schema and for validation.
const (
	LabelPattern   = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`                                   // a DNS label (RFC 1123)
	DNSNamePattern = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$` // a DNS subdomain
	SHA256Pattern  = `^[0-9a-f]{64}$`
	DigestPattern  = `^sha256:[0-9a-f]{64}$`
)

var label = regexp.MustCompile(LabelPattern)

// IsName says whether an environment can have this name: a DNS label of at most 63 characters.
func IsName(name string) bool { return len(name) <= 63 && label.MatchString(name) }

// FullName is the name that charts made by helm create derive from a release's, as long as no value overrides it.
func FullName(release, chart string) string {
	full := release
	if !strings.Contains(release, chart) {
		full = release + "-" + chart
	}
	return strings.TrimSuffix(full[:min(len(full), 63)], "-")
}

// ClusterName names the cluster of an environment. How it is reached the worker's own files say.
type ClusterName string

// DefaultCluster is the cluster of environments that name none. It needs no file: it is the worker's own.
const DefaultCluster ClusterName = "default"

// UnmarshalJSON also takes what stood in its place in operations of earlier versions, a kubeconfig and a context. That becomes a name
// that no cluster can have, so that their histories can be read, and nobody uses what they say.
func (n *ClusterName) UnmarshalJSON(data []byte) error {
	switch text := bytes.TrimSpace(data); {
	case string(text) == "null":
		return nil
	case text[0] == '"':
		return json.Unmarshal(text, (*string)(n))
	default:
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			return fmt.Errorf("reading the name of a cluster: %w", err)
		}
		*n = ClusterName(compact.String())
		return nil
	}
}

// UnmarshalText implements [encoding.TextUnmarshaler]. What no name may be validation says.
func (n *ClusterName) UnmarshalText(text []byte) error {
	*n = ClusterName(text)
	return nil
}

// Notation is how a cluster is named.
func (*ClusterName) Notation() (noun, next string) {
	return "the name of a cluster", "write kubeconfig and context into a file of kind Cluster in the worker's folder of clusters, and its name here (docs/clusters.md)"
}
