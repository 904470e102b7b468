package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockstep/config"
)

func TestAllThatIsWrongWithAnAccessFileIsSaidAtOnce(t *testing.T) {
	_, err := parseFile([]byte(`tokens:
  - name: ci
    sha256: abc
    grants: []
  - name: c i
    sha256: ` + digest("a") + `
    grants:
      - {role: root, environments: [Dev, "test-*"]}
      - {role: reader, environment: dev}
  - name: ci
    sha256: ` + strings.ToUpper(digest("a")) + `
    grants: [{role: none, environments: []}]
oidc:
  issuer: http://id.example.com/
  algorithms: [HS256, none, RS256]
  clockSkew: 10m
  grants: [{role: admin, environments: ["*"]}]
limits: {requestsPerSecond: -1}
trustedProxies: [10.0.0.0/33]
colour: red
`))
	want := `20 problems:
  - tokens[1].grants[1].environment (line 9): is not a field of an access file; did you mean tokens[1].grants[1].environments?
  - colour (line 20): is not a field of an access file; remove it, or write one of limits, oidc, tokens, trustedProxies
  - tokens[0].sha256 (line 3): is not a SHA-256 in hexadecimal; write its 64 digits: printf %s "$TOKEN" | sha256sum
  - tokens[0].grants (line 4): is missing; write as in grants: [{role: reader, environments: ["*"]}]
  - tokens[1].name (line 5) "c i": is not a valid name; write 1 to 63 letters, digits, dots, hyphens and underscores, for example name: ci
  - tokens[1].grants[0].role (line 8) "root": is not a role; write reader, operator or admin
  - tokens[1].grants[0].environments[0] (line 8) "Dev": matches no environment's name; write lower-case letters, digits and hyphens, * for any characters and ? for one
  - tokens[1].grants[1].environments: is missing; write names or patterns, for example environments: [dev, "test-*"]
  - tokens[2].name (line 10) "ci": is also the name of tokens[0]; give each token a name of its own: the audit log tells them apart by it
  - tokens[2].sha256 (line 11): is also that of tokens[1]; make another token with ` + "`lockstep api token`" + `
  - tokens[2].grants[0].role (line 12) "none": is not a role; write reader, operator or admin
  - tokens[2].grants[0].environments (line 12): is missing; write names or patterns, for example environments: [dev, "test-*"]
  - oidc.issuer (line 14) "http://id.example.com/": is not an https URL; write the issuer's https URL: http is only for loopback addresses
  - oidc.audience: is missing; write the claim aud of the tokens for this API: without it the API would accept tokens for other programs
  - oidc.algorithms[0] (line 15) "HS256": is not accepted; write some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA
  - oidc.algorithms[1] (line 15) "none": is not accepted; write some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA
  - oidc.clockSkew (line 16) "10m": is out of range; write 0s to 5m
  - oidc.grants[0].group: is missing; write a group as the claim has it
  - limits.requestsPerSecond (line 18) "-1": is out of range; write 1 to 1000000, or leave it out for the default
  - trustedProxies[0] (line 19) "10.0.0.0/33": is not an address or network; write it as 10.1.2.3 or 10.0.0.0/8`
	if err == nil {
		t.Fatal("it was read")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

func TestAnAccessFileThatLetsNobodyInIsNone(t *testing.T) {
	for _, text := range []string{"", "limits: {requestsPerSecond: 5}\n", "tokens: []\n"} {
		if _, err := parseFile([]byte(text)); err == nil || !strings.Contains(err.Error(), "nobody could use the API") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAnAccessFileHasDefaults(t *testing.T) {
	file, err := parseFile([]byte("oidc: {issuer: \"https://id.example.com\", audience: lockstep, grants: [{group: a, role: reader, environments: [\"*\"]}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := File{Limits: FileLimits{RequestsPerSecond: 20, FailuresPerMinute: 10}, OIDC: &FileOIDC{Issuer: "https://id.example.com", Audience: "lockstep",
		UsernameClaim: "sub", GroupsClaim: "groups", Algorithms: algorithms(), ClockSkew: config.Duration(time.Minute),
		Grants: []FileGroupGrant{{"a", "reader", []string{"*"}}}}}
	if diff := cmp.Diff(want, file); diff != "" {
		t.Error(diff)
	}
}

func TestAServerDoesNotStartWithAWrongAccessFile(t *testing.T) {
	folder := t.TempDir()
	ca := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(ca, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	oidc := "oidc: {issuer: \"https://id.example.com\", audience: a, caFile: CA, grants: [{group: a, role: reader, environments: [\"*\"]}]}\n"
	for name, test := range map[string]struct{ text, says string }{
		"wrong":          {"tokens: 5\n", "access.yaml: tokens (line 1)"},
		"no YAML":        {"tokens: [\n", "access.yaml: YAML"},
		"absent CA":      {strings.Replace(oidc, "CA", folder+"/absent.pem", 1), "reading oidc.caFile"},
		"CA that is not": {strings.Replace(oidc, "CA", ca, 1), "holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(folder, "access.yaml")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := New(Options{File: file}); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := New(Options{File: filepath.Join(folder, "absent.yaml")}); err == nil || !strings.Contains(err.Error(), "reading the access file") {
		t.Errorf("%v", err)
	}
}

// TestTheDocumentedAccessFileIsOne reads the example of docs/api-access.md.
func TestTheDocumentedAccessFileIsOne(t *testing.T) {
	text, err := os.ReadFile("../../../docs/api-access.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	if _, err := parseFile([]byte(strings.Replace(example, "1f0e6a…", digest("example"), 1))); err != nil {
		t.Error(err)
	}
}
