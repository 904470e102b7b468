package config

import (
	"regexp"
	"strings"
)

// What fields may hold, for the schema and for validation.
const (
	LabelPattern   = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`                                   // a DNS label (RFC 1123)
	DNSNamePattern = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$` // a DNS subdomain
	SHA256Pattern  = `^[0-9a-f]{64}$`
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
