// Package redact keeps secrets out of what leaves an activity. Whoever reads a secret says so with [Add]; whatever tells people of the
// activity asks [Text]. What is cut or compared on the way must be redacted before that by whoever does it.
package redact

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// MinLength is that of the shortest text that counts as a secret: a shorter one may be a part of any word.
const MinLength = 4

// Mark stands where a secret was.
const Mark = "…"

type key struct{}

// secrets are those that one activity knows, in every form in which they may be quoted.
type secrets struct {
	mu    sync.RWMutex
	forms []string // the longest first
}

// With prepares a context, and all that follow from it, for [Add].
func With(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, &secrets{}) }

// Add says that these texts are secret. Those shorter than [MinLength] are left out.
func Add(ctx context.Context, texts ...string) {
	s, has := ctx.Value(key{}).(*secrets)
	if !has {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		for _, form := range formsOf(text) {
			if !slices.Contains(s.forms, form) {
				s.forms = append(s.forms, form)
			}
		}
	}
	slices.SortFunc(s.forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
}

// formsOf are a secret as it is, and as it stands in addresses, JSON, XML and Secrets.
func formsOf(text string) []string {
	trimmed := strings.TrimSpace(text) // a file's last newline is not shown with it
	if len(trimmed) < MinLength {
		return nil
	}
	quoted, _ := json.Marshal(trimmed)
	return []string{trimmed, url.QueryEscape(trimmed), url.PathEscape(trimmed), url.UserPassword("", trimmed).String()[1:], unquoted(string(quoted)),
		unquoted(strconv.Quote(trimmed)), html.EscapeString(trimmed), base64.StdEncoding.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(trimmed))}
}

func unquoted(text string) string { return text[1 : len(text)-1] }

// Text is a text without the secrets that are known in the context, and without the parts of them that are left where it was cut.
func Text(ctx context.Context, text string) string {
	s, has := ctx.Value(key{}).(*secrets)
	if !has {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, form := range s.forms {
		text = without(text, form)
	}
	for _, form := range s.forms {
		text = withoutCut(text, form)
	}
	return text
}

// long is the length from which a secret is hidden wherever it stands. A shorter one may be a word: it is hidden where it stands alone.
const long = 8

func without(text, form string) string {
	if len(form) >= long {
		return strings.ReplaceAll(text, form, Mark)
	}
	var kept strings.Builder
	for {
		i := strings.Index(text, form)
		if i < 0 {
			kept.WriteString(text)
			return kept.String()
		}
		end := i + len(form)
		if alone(text, i, end) {
			kept.WriteString(text[:i] + Mark)
		} else {
			kept.WriteString(text[:end])
		}
		text = text[end:]
	}
}

func alone(text string, start, end int) bool {
	return (start == 0 || !isWord(text[start-1])) && (end == len(text) || !isWord(text[end]))
}

func isWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

// cuts are how a text goes on where it was cut.
var cuts = []string{"…", "...", "\n"}

// withoutCut drops what is left of a secret before and after a cut. The ends of the text may be cuts too.
func withoutCut(text, form string) string {
	if len(form) < long {
		return text
	}
	for _, cut := range cuts {
		parts := strings.Split(text, cut)
		for i, part := range parts {
			parts[i] = withoutEnds(part, form)
		}
		text = strings.Join(parts, cut)
	}
	return text
}

func withoutEnds(part, form string) string {
	for n := min(len(form)-1, len(part)); n >= MinLength; n-- {
		if strings.HasSuffix(part, form[:n]) {
			part = part[:len(part)-n] + Mark
			break
		}
	}
	for n := min(len(form)-1, len(part)); n >= MinLength; n-- {
		if strings.HasPrefix(part, form[len(form)-n:]) {
			return Mark + part[n:]
		}
	}
	return part
}

// Teller is a result of an activity with texts for people in it.
type Teller interface {
	// Tell replaces those texts by what say makes of them.
	Tell(say func(string) string)
}

// Result is an activity's result without secrets in what is meant for people: a note, or the texts of a [Teller] or of a list of them.
// All else stays as it is, since programs read it.
func Result(ctx context.Context, result any) any {
	say := func(text string) string { return Text(ctx, text) }
	if note, is := result.(string); is {
		return say(note)
	}
	value := reflect.ValueOf(result)
	if !value.IsValid() {
		return result
	}
	copied := reflect.New(value.Type())
	copied.Elem().Set(value)
	if teller, is := copied.Interface().(Teller); is {
		teller.Tell(say)
		return copied.Elem().Interface()
	}
	if value.Kind() == reflect.Slice {
		for i := range value.Len() {
			if teller, is := value.Index(i).Addr().Interface().(Teller); is {
				teller.Tell(say)
			}
		}
	}
	return result
}
