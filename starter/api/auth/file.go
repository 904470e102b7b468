package auth

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"lockstep/config"
	"lockstep/config/strictyaml"
)

// File is the access file: who may do what on the API. It holds no secret.
type File struct {
	// Tokens are known by their SHA-256.
	Tokens []FileToken `json:"tokens,omitempty"`
	// OIDC is an OpenID Connect issuer whose tokens are taken too.
	OIDC *FileOIDC `json:"oidc,omitempty"`
	// Limits say how often callers may ask.
	Limits FileLimits `json:"limits,omitempty"`
	// TrustedProxies are addresses or networks of proxies whose X-Forwarded-For says where a request is from.
	TrustedProxies []string `json:"trustedProxies,omitempty"`
}

// FileToken is a token and what it may do.
type FileToken struct {
	Name string `json:"name"`
	// SHA256 is that of the token, in hexadecimal.
	SHA256 string      `json:"sha256"`
	Grants []FileGrant `json:"grants"`
}

// FileGrant is a role on environments.
type FileGrant struct {
	Role string `json:"role"`
	// Environments are names or patterns with * and ?.
	Environments []string `json:"environments"`
}

// FileOIDC is the issuer of tokens, and what groups of users may do.
type FileOIDC struct {
	// Issuer is as the claim iss has it: an https URL.
	Issuer string `json:"issuer"`
	// Audience must be among those of the claim aud.
	Audience string `json:"audience"`
	// UsernameClaim names the user in the audit log. Default "sub".
	UsernameClaim string `json:"usernameClaim,omitempty"`
	// GroupsClaim lists the user's groups. Default "groups".
	GroupsClaim string `json:"groupsClaim,omitempty"`
	// Algorithms that tokens may be signed with. Default: all that are asymmetric.
	Algorithms []string `json:"algorithms,omitempty"`
	// ClockSkew is how far the issuer's clock may be off. Default 1m, at most 5m.
	ClockSkew config.Duration `json:"clockSkew,omitempty"`
	// CAFile holds the certificates (PEM) that the issuer's is checked with. Default: the system's.
	CAFile string `json:"caFile,omitempty"`
	// Grants are what members of groups may do.
	Grants []FileGroupGrant `json:"grants"`
}

// FileGroupGrant is a role on environments for the members of a group.
type FileGroupGrant struct {
	Group        string   `json:"group"`
	Role         string   `json:"role"`
	Environments []string `json:"environments"`
}

// FileLimits say how often callers may ask.
type FileLimits struct {
	// RequestsPerSecond of one caller, in the long run; five times as many at once. Default 20.
	RequestsPerSecond int `json:"requestsPerSecond,omitempty"`
	// FailuresPerMinute are failed authentications from one address. Default 10.
	FailuresPerMinute int `json:"failuresPerMinute,omitempty"`
}

// algorithms are all that are asymmetric: with a shared secret, whoever checks tokens could make them.
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// source is an access file as it was read.
type source struct {
	text []byte
	file File
	ca   []byte // what is in oidc.caFile
}

// read reads an access file, with its defaults, and the files that it names. All its problems is one error. A text
// that is the same as before is not parsed again.
func read(path string, before source) (source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return source{}, fmt.Errorf("reading the access file: %w", err)
	}
	next := source{text: text, file: before.file}
	if before.text == nil || !bytes.Equal(before.text, text) {
		if next.file, err = parseFile(text); err != nil {
			return source{}, fmt.Errorf("access file %s: %w", path, err)
		}
	}
	if oidc := next.file.OIDC; oidc != nil && oidc.CAFile != "" {
		if next.ca, err = os.ReadFile(oidc.CAFile); err != nil {
			return source{}, fmt.Errorf("access file %s: reading oidc.caFile: %w", path, err)
		}
	}
	return next, nil
}

func parseFile(data []byte) (File, error) {
	var file File
	lines, found := strictyaml.Decode(data, &file, "an access file")
	if lines == nil {
		return File{}, hideTokens(found)
	}
	file.defaults()
	for _, problem := range file.check() {
		problem.Line = lines[problem.Path]
		found = append(found, problem)
	}
	if len(found) > 0 {
		return File{}, hideTokens(found)
	}
	return file, nil
}

func (f *File) defaults() {
	setDefault(&f.Limits.RequestsPerSecond, 20)
	setDefault(&f.Limits.FailuresPerMinute, 10)
	if f.OIDC != nil {
		setDefault(&f.OIDC.UsernameClaim, "sub")
		setDefault(&f.OIDC.GroupsClaim, "groups")
		setDefault(&f.OIDC.ClockSkew, config.Duration(time.Minute))
		if len(f.OIDC.Algorithms) == 0 {
			f.OIDC.Algorithms = algorithms()
		}
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
