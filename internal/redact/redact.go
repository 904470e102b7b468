// Package redact keeps secrets out of what leaves an activity. Whoever reads a secret says so with [Add]; whatever tells people of the
// activity asks [Text], and of what others wrote, as logs, [Foreign]. Ask before a text is cut: a part of a secret is not always known again.
package redact

import (
	"cmp"
	"context"
	"reflect"
	"slices"
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

// With prepares a context, and all that follow from it, for [Add]. What the context knows already is known there too, and what becomes
// known there is not known outside.
func With(ctx context.Context) context.Context {
	s := &secrets{}
	if known, has := ctx.Value(key{}).(*secrets); has {
		known.mu.RLock()
		defer known.mu.RUnlock()
		s.forms = slices.Clone(known.forms)
	}
	return context.WithValue(ctx, key{}, s)
}

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

// Text is a text without the secrets that are known in the context, without the parts of them that are left where somebody else cut it,
// and without what can be nothing but a credential.
func Text(ctx context.Context, text string) string { return certain(known(ctx, text)) }

// Foreign is [Text] of a text that somebody else wrote, as a line of a log or an event: what looks like a credential's value goes too.
func Foreign(ctx context.Context, text string) string { return certain(likely(known(ctx, text))) }

func known(ctx context.Context, text string) string {
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

// withoutEnds leaves a part that is too short to be of use, and may be a word: less than a quarter of the secret.
func withoutEnds(part, form string) string {
	least := max(MinLength, len(form)/4)
	for n := min(len(form)-1, len(part)); n >= least; n-- {
		if strings.HasSuffix(part, form[:n]) {
			part = part[:len(part)-n] + Mark
			break
		}
	}
	for n := min(len(form)-1, len(part)); n >= least; n-- {
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
