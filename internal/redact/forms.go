package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText is the length of what may still be a password or a key: what is longer, as a store of public certificates, is quoted by nobody.
const maxText = 16 << 10

// formsOf are a secret as it is, as it stands in addresses, JSON, XML, Go's quotes and Secrets, and in one of these within another. The
// lines of a key or a file are secrets too: logs quote them one by one.
func formsOf(text string) (forms []string) {
	trimmed := strings.TrimSpace(text) // a file's last newline is not shown with it
	if len(trimmed) > maxText {
		return nil
	}
	forms = inBase64(trimmed)
	if utf8.ValidString(trimmed) {
		for _, form := range encodings(trimmed) {
			forms = append(forms, encodings(form)...)
		}
	}
	for _, line := range lines(trimmed) {
		forms = append(forms, encodings(line)...)
	}
	forms = slices.DeleteFunc(forms, func(form string) bool { return len(form) < MinLength })
	slices.Sort(forms)
	return slices.Compact(forms)
}

// minLine is the length of a line that is no word or bracket, but a part of the secret.
const minLine = 16

// lines are those of a text of several that may be quoted alone. The frame of a key is no secret.
func lines(text string) (parts []string) {
	if !strings.Contains(text, "\n") {
		return nil
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) >= minLine && !strings.HasPrefix(line, "-----") {
			parts = append(parts, line)
		}
	}
	return parts
}

func encodings(text string) []string {
	query := url.QueryEscape(text)
	return []string{text, query, lowerEscapes(query), url.PathEscape(text), url.UserPassword("", text).String()[1:],
		inJSON(text, true), inJSON(text, false), unquoted(strconv.Quote(text)), unquoted(strconv.QuoteToASCII(text)),
		html.EscapeString(text), named(html.EscapeString(text)), inXML(text), named(inXML(text))}
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(text string) string {
	escaped := []byte(text)
	for i := 0; i+2 < len(escaped); i++ {
		if escaped[i] == '%' {
			copy(escaped[i+1:], bytes.ToLower(escaped[i+1:i+3]))
		}
	}
	return string(escaped)
}

// inJSON is a text within quotes of JSON. Go's encoder escapes <, > and & there; others do not.
func inJSON(text string, likeGo bool) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(likeGo)
	_ = encoder.Encode(text) // a string never fails
	return unquoted(strings.TrimSpace(out.String()))
}

func inXML(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a buffer never fails
	return out.String()
}

// named has the entities of quotes by their names, as other programs write them; Go numbers them.
func named(text string) string {
	return strings.NewReplacer("&#34;", "&quot;", "&#39;", "&apos;").Replace(text)
}

func unquoted(text string) string { return text[1 : len(text)-1] }

// inBase64 is what base64 of anything that holds the text holds, as base64 of user:password does: three bytes make four characters, so
// there is one form for each place where the text may begin. Those that are too short say nothing.
func inBase64(text string) (forms []string) {
	forms = append(forms, base64.StdEncoding.EncodeToString([]byte(text)), base64.RawStdEncoding.EncodeToString([]byte(text)))
	for before := range 3 {
		padded := append(make([]byte, before), text...)
		whole := len(padded) / 3 * 3
		first := (before*8 + 5) / 6 // the character that the bytes before share goes
		encoded := base64.StdEncoding.EncodeToString(padded[:whole])
		if len(encoded)-first >= long {
			forms = append(forms, encoded[first:])
		}
	}
	for _, form := range forms {
		forms = append(forms, strings.NewReplacer("+", "-", "/", "_").Replace(form))
	}
	return forms
}
