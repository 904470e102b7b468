package history

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// Labels of a release record. Their values are base32 because a label value has at most 63 characters and 32 bytes in
// hexadecimal have 64.
const (
	FingerprintLabel = "lockstep.dev/fingerprint"
	digestLabel      = "lockstep.dev/chart-digest"
	OwnerLabel       = "lockstep.dev/owner"
)

// Labels are what is written on the record of a release. The fingerprint is of all that the release is made from.
func Labels(owner, fingerprint, chartDigest string) map[string]string {
	all := map[string]string{OwnerLabel: owner, FingerprintLabel: fingerprint}
	sum, err := hex.DecodeString(strings.TrimPrefix(chartDigest, "sha256:"))
	if err == nil {
		all[digestLabel] = Short(sum)
	}
	return all
}

// ChartDigest reads back the chart digest of a release record.
func ChartDigest(labels map[string]string) string {
	sum, err := encoding().DecodeString(strings.ToUpper(labels[digestLabel]))
	if err != nil || len(sum) != sha256.Size {
		return ""
	}
	return "sha256:" + hex.EncodeToString(sum)
}

// Short writes a digest so that it fits into a label.
func Short(sum []byte) string { return strings.ToLower(encoding().EncodeToString(sum)) }

func encoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }
