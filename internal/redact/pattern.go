package redact

import (
	"regexp"
	"strings"
)

// stars stand where something was that looked like a secret.
const stars = "***"

// pattern is how a credential is written: what is kept of it, and stars for the rest.
type pattern struct {
	is   *regexp.Regexp
	kept string
}

// certainly are credentials in any text.
var certainly = []pattern{
	{regexp.MustCompile(`(?s)-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)`), stars},
	{regexp.MustCompile(`(://[^/\s:@"']*:)[^/\s"'@]+@`), "${1}" + stars + "@"},
	{regexp.MustCompile(`(://)[^/\s:"'@]+@`), "${1}" + stars + "@"}, // a token alone
	{regexp.MustCompile(`(?i)([?&;](?:[a-z0-9_-]*(?:signature|token|credential|secret|password|passwd|api[_-]?key|accesskey(?:id)?)|sig|key|pwd)=)[^&;\s"'<>]+`), "${1}" + stars},
	{regexp.MustCompile(`(?i)(authorization\\?["']?\s*[:=]\s*\\?["']?)(?:bearer|basic|digest|negotiate|token)\s+[^\s"'\\,]+`), "${1}" + stars},
	{regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)[a-z0-9._~+/=-]{16,}`), "${1}${2}" + stars},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?`), stars}, // a JSON Web Token
}

// value is what a credential's name is followed by: quoted, quoted within quotes, or up to a space.
const value = `(?:\\"[^"]*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']\S*)`

// names are how the names of credentials end.
const names = `(?:password|passwd|passphrase|pwd|secret|token|credentials?|api[_.-]?key|access[_.-]?key|private[_.-]?key|secret[_.-]?key|encryption[_.-]?key|authorization)`

// probably are credentials in what programs write of what they do.
var probably = []pattern{
	{regexp.MustCompile(`(?i)(\bname\\?["']?\s*[:=]\s*\\?["']?[\w.-]*` + names + `\\?["']?\s*,?\s*\\?["']?value\\?["']?\s*[:=]\s*)` + value), "${1}" + stars},
	{regexp.MustCompile(`(?i)(` + names + `\\?["']?\s*(?:=>|[=:])\s*)(?:(?:bearer|basic)\s+)?` + value), "${1}" + stars},
	{regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)[a-z0-9._~+/=-]{8,}`), "${1}${2}" + stars},
	{regexp.MustCompile(`(?i)(:thin:[^/\s]+/)[^@\s]+@`), "${1}" + stars + "@"}, // Oracle
}

// source is the name of a database's source without a scheme: user:password@host, as Go's MySQL driver takes it.
var source = regexp.MustCompile(`([\w.+%-]+:)[^\s:@/"']+(@[\w.-]+[:/(]?)`)

func certain(text string) string { return replaced(text, certainly) }

func likely(text string) string {
	text = replaced(text, probably)
	return source.ReplaceAllStringFunc(text, func(found string) string {
		if strings.Contains(found, "@sha256") { // an image
			return found
		}
		return source.ReplaceAllString(found, "${1}"+stars+"${2}")
	})
}

func replaced(text string, patterns []pattern) string {
	for _, p := range patterns {
		text = p.is.ReplaceAllString(text, p.kept)
	}
	return text
}
