package release

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Labels of a release record. Their values are base32 because a label value has at most 63 characters and 32 bytes in
// hexadecimal have 64.
const (
	fingerprintLabel = "lockstep.dev/fingerprint"
	digestLabel      = "lockstep.dev/chart-digest"
	ownerLabel       = "lockstep.dev/owner"
)

// fingerprint is a digest of all that a release is made from. Two equal ones mean that an upgrade would change nothing.
// A chart that renders random values never has the same twice.
func fingerprint(chartDigest string, values map[string]any, manifest string) (string, error) {
	canonical, err := json.Marshal([]any{chartDigest, values, manifest}) // map keys come out sorted
	if err != nil {
		return "", final(RenderFailed, "correct the values", "reading values: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return short(sum[:]), nil
}

// labels are what is written on the record of a release.
func labels(owner, fingerprint, chartDigest string) map[string]string {
	all := map[string]string{ownerLabel: owner}
	sum, err := hex.DecodeString(strings.TrimPrefix(chartDigest, "sha256:"))
	if err == nil {
		all[digestLabel] = short(sum)
	}
	all[fingerprintLabel] = fingerprint
	return all
}

// digestIn reads back the chart digest of a release record.
func digestIn(labels map[string]string) string {
	sum, err := encoding().DecodeString(strings.ToUpper(labels[digestLabel]))
	if err != nil || len(sum) != sha256.Size {
		return ""
	}
	return "sha256:" + hex.EncodeToString(sum)
}

func short(sum []byte) string { return strings.ToLower(encoding().EncodeToString(sum)) }

func encoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }
