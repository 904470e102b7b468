package validation_test

import (
	"strings"
	"testing"

	"lockstep/config/configtest"
)

func TestDigestsOfChartsAreThoseOfTheirSource(t *testing.T) {
	digits := strings.Repeat("0123456789abcdef", 4)
	configtest.Check(t, []configtest.Refusal{
		{Holds: "a SHA-256 has 64 digits", More: "apiManager: {chart: {sha256: abc}}\n", Path: "apiManager.chart.sha256", Value: "abc", Says: "sha256sum prints"},
		{Holds: "a SHA-256 has no prefix", More: "apiManager: {chart: {sha256: 'sha256:" + digits + "'}}\n", Path: "apiManager.chart.sha256", Value: "sha256:" + digits, Says: "write only the 64 hex digits"},
		{Holds: "a registry has digests of manifests", More: "identityServer: {chart: {oci: 'oci://r.example.com/is', version: 1.2.3, sha256: " + digits + "}}\n", Path: "identityServer.chart.sha256", Value: digits, Says: "write digest"},
		{Holds: "a repository has none", More: "identityServer: {chart: {digest: 'sha256:" + digits + "'}}\n", Path: "identityServer.chart.digest", Value: "sha256:" + digits, Says: "write sha256"},
		{Holds: "a digest has its algorithm", More: "identityServer: {chart: {oci: 'oci://r.example.com/is', version: 1.2.3, digest: " + digits + "}}\n", Path: "identityServer.chart.digest", Value: digits, Says: "write sha256: and 64 hex digits"},
	})
	configtest.Parse(t, configtest.Minimal+"apiManager: {chart: {sha256: "+digits+"}}\nidentityServer: {chart: {oci: 'oci://r.example.com/is', version: 1.2.3, digest: 'sha256:"+digits+"'}}\n")
}
