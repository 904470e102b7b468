package chart

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"lockstep/config"
)

// isPinned refuses what is not the archive that the chart's sha256 names. Nothing is said of what came: a chart is not read before.
func isPinned(c config.Chart, digest string) error {
	if c.SHA256 == "" || "sha256:"+c.SHA256 == digest {
		return nil
	}
	return otherwise("chart.sha256", c.SHA256, "the archive of chart "+cmp.Or(c.Name, c.Path, c.OCI)+" "+c.Version)
}

// otherwise is the failure of a source that has something else than what the file pins.
func otherwise(field, pin, what string) error {
	return failed(Invalid, "ask its owner whether it was published again, and write "+field+" anew only if that is so; the report of the deployment that used it first has the old one",
		"%s is not the one that %s names, %q", what, field, pin)
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// withAlgorithm is a digest of a repository's index as it is written elsewhere.
func withAlgorithm(digest string) string {
	if digest == "" || strings.Contains(digest, ":") {
		return digest
	}
	return "sha256:" + digest
}
