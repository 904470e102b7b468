package chart

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

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
