package config

import (
	"regexp"
	"strings"
)

var (
	minorVersion   = regexp.MustCompile(`^\d+\.\d+`)
	productVersion = regexp.MustCompile(`^\d+\.\d+\.\d+`)
)

// ImageVersion is the product version that the tag of an image begins with, as 7.2.0 of wso2is:7.2.0.0-alpine, or empty.
func ImageVersion(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, tag, _ := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return productVersion.FindString(tag)
}

// MinorVersion is the 7.2 of 7.2.0-1, or empty.
func MinorVersion(version string) string {
	return minorVersion.FindString(strings.TrimPrefix(version, "v"))
}
