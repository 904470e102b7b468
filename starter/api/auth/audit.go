package auth

import (
	"context"
	"log/slog"
)

// Results of an audited request.
const (
	resultDone    = "done"
	resultFailed  = "failed"
	resultRefused = "refused"
)

// Change is what a caller changed, or tried to: for the audit log.
type Change struct {
	Action      Action
	Environment string
	// Operation is the workflow's id, and what tells runs of it apart if that is known.
	Operation string
	Run       string
	// Detail is what else is worth knowing, as the decision that was made. Never a secret.
	Detail string
	// Err is why it did not happen. nil: it did.
	Err error
}

// Record writes one record of a change to the audit log: who, what, on which environment, from where, with which result.
// A refusal of [Guard.Authorize] has been recorded already.
func (g *Guard) Record(ctx context.Context, change Change) {
	result, reason := resultDone, ""
	if change.Err != nil {
		result, reason = resultFailed, change.Err.Error()
	}
	g.audit(ctx, result, reason, slog.String("action", string(change.Action)), slog.String("environment", change.Environment),
		slog.String("operation", change.Operation), slog.String("run", change.Run), slog.String("detail", change.Detail))
}

// audit writes a record. Attributes that are empty are left out.
func (g *Guard) audit(ctx context.Context, result, reason string, attrs ...slog.Attr) {
	c, _ := ctx.Value(callerKey{}).(caller)
	all := []slog.Attr{
		slog.String("result", result), slog.String("who", c.identity.Name), slog.String("via", c.identity.Via),
		slog.String("subject", c.identity.Subject), slog.String("from", c.from), slog.String("method", c.method), slog.String("path", c.path),
	}
	all = append(append(all, attrs...), slog.String("reason", reason))
	kept := all[:0]
	for _, attr := range all {
		if attr.Value.String() != "" {
			kept = append(kept, attr)
		}
	}
	level := slog.LevelInfo
	if result != resultDone {
		level = slog.LevelWarn
	}
	g.options.Audit.LogAttrs(ctx, level, "audit", kept...)
}
