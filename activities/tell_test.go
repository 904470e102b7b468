package activities

import (
	"testing"

	"lockstep/internal/drift"
	"lockstep/internal/redact"
)

func TestNoSecretIsInTheTextsOfAResult(t *testing.T) {
	const secret = "Hush-hush-hush"
	ctx := redact.With(t.Context())
	redact.Add(ctx, secret)
	item := drift.Item{Object: "Secret a/b", Wants: secret, Is: "x " + secret, Next: "see " + secret}
	told := drift.Item{Object: "Secret a/b", Wants: "…", Is: "x …", Next: "see …"}
	if got := redact.Result(ctx, []drift.Item{item}).([]drift.Item); got[0] != told {
		t.Errorf("items: %+v", got)
	}
	if got := redact.Result(ctx, Images{Items: []drift.Item{item}}).(Images); got.Items[0] != told {
		t.Errorf("images: %+v", got)
	}
	if got := redact.Result(ctx, Certificates{Warnings: []string{secret}}).(Certificates); got.Warnings[0] != "…" {
		t.Errorf("certificates: %+v", got)
	}
	if got := redact.Result(ctx, Preflight{Warnings: []string{secret}}).(Preflight); got.Warnings[0] != "…" {
		t.Errorf("preflight: %+v", got)
	}
}
