package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Problem is one thing that is wrong with an environment, or worth a note.
type Problem struct {
	// Path leads to the field, as identityServer.chart.version.
	Path string `json:"path"`
	// Line in the environment file. 0: unknown, or the field is missing.
	Line int `json:"line,omitempty"`
	// Value is what stands there. Empty where it is missing, or where it may be a secret.
	Value string `json:"value,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Next is the operator's next move.
	Next string `json:"next"`
}

// String is the problem on one line: path (line 3) "value": message; next move.
func (p Problem) String() string {
	var text strings.Builder
	text.WriteString(p.Path)
	if p.Line > 0 {
		fmt.Fprintf(&text, " (line %d)", p.Line)
	}
	if p.Value != "" {
		fmt.Fprintf(&text, " %q", p.Value)
	}
	text.WriteString(": " + p.Message)
	if p.Next != "" {
		text.WriteString("; " + p.Next)
	}
	return text.String()
}

// JoinPath is the path of a field below another one, or of one at the top.
func JoinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Problems are all that is wrong with an environment.
type Problems []Problem

// Error is one line for a single problem, else a list.
func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].String()
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d problems:", len(p))
	for _, problem := range p {
		text.WriteString("\n  - " + problem.String())
	}
	return text.String()
}

// Add notes a problem. The value is shown, so it must not be a secret; logins in addresses are left out of it.
func (p *Problems) Add(path, value, message, next string) {
	*p = append(*p, Problem{Path: path, Value: withoutLogin(value), Message: message, Next: next})
}

// login is a user with a password, or what stands for both, before a host; signed is a part of a query that gives access.
var (
	login  = regexp.MustCompile(`(://|^[^/@:\s]+:)[^/@\s]+@`)
	signed = regexp.MustCompile(`(?i)([?&][^=&\s]*(?:sig|signature|token|credential|secret|password|key)=)[^&\s]+`)
)

// withoutLogin is a value as it may be shown: people write logins into addresses, and mistakes beside them.
func withoutLogin(value string) string {
	value = signed.ReplaceAllString(value, "${1}…")
	if strings.Contains(value, "@sha256:") { // the digest of an image
		return value
	}
	return login.ReplaceAllString(value, "${1}…@")
}

// maxShown is how many problems anybody mends at once. A file of a few KiB can have thousands, with all that may be written in each.
const maxShown = 50

// Err is the error that p is, or nil for an empty list. Of very many problems it has the first ones, and says how many are left.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	if more := len(p) - maxShown; more > 0 {
		p = append(p[:maxShown:maxShown], Problem{Path: "and more", Message: fmt.Sprintf("%d more problems are not shown", more), Next: "correct these first"})
	}
	return p
}
