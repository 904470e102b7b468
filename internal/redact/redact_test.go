package redact_test

import (
	"context"
	"testing"

	"lockstep/internal/redact"
)

func known(texts ...string) context.Context {
	ctx := redact.With(context.Background())
	redact.Add(ctx, texts...)
	return ctx
}

func TestSecretsAreHiddenAndNothingElse(t *testing.T) {
	for name, test := range map[string]struct {
		secret, text, want string
	}{
		"a long one, anywhere":            {"0123456789ab", "x0123456789aby", "x…y"},
		"one with a file's last newline":  {"0123456789ab\n", "it is 0123456789ab.", "it is …."},
		"a short one, alone":              {"admin", "the password admin, of admin", "the password …, of …"},
		"a short one within a word":       {"admin", "credentials.adminUsername", "credentials.adminUsername"},
		"one that is too short":           {"abc", "the abc", "the abc"},
		"in base64, as Secrets show it":   {"0123456789ab", "MDEyMzQ1Njc4OWFi", "…"},
		"the beginning of one, at a cut":  {"0123456789ab", "it is 01234567…", "it is ……"},
		"the beginning of one, by itself": {"0123456789ab", "it is 012 and 01234 and so on", "it is 012 and 01234 and so on"},
		"the beginning of one, at a line": {"0123456789ab", "it is 01234\nand so on", "it is …\nand so on"},
		"the end of one, after a cut":     {"0123456789ab", "...56789ab is it", "...… is it"},
		"a secret that holds another":     {"0123456789ab 0123456789", "0123456789ab 0123456789", "…"},
		"no secret":                       {"", "nothing", "nothing"},
	} {
		if got := redact.Text(known(test.secret, "0123456789"), test.text); test.secret != "" && got != test.want && name != "no secret" {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if got := redact.Text(context.Background(), "0123456789"); got != "0123456789" {
		t.Errorf("without a registry: %q", got)
	}
	redact.Add(context.Background(), "0123456789") // nobody asks
}

type told struct{ Note, ID string }

func (t *told) Tell(say func(string) string) { t.Note = say(t.Note) }

func TestOfAResultOnlyWhatPeopleReadIsChanged(t *testing.T) {
	ctx := known("Hush-hush")
	if got := redact.Result(ctx, told{"Hush-hush", "Hush-hush"}); got != (told{"…", "Hush-hush"}) {
		t.Errorf("got %+v", got)
	}
	list := redact.Result(ctx, []told{{"Hush-hush", "x"}}).([]told)
	if list[0].Note != "…" {
		t.Errorf("got %+v", list)
	}
	for _, result := range []any{nil, 7, []string{"Hush-hush"}, struct{ A string }{"Hush-hush"}} {
		if got := redact.Result(ctx, result); got == nil && result != nil {
			t.Errorf("%v became nothing", result)
		}
	}
}
