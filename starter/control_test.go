package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"lockstep/starter/operations"
	"lockstep/workflows/workflowstest"
)

func TestDecisionsFromTheCommandLine(t *testing.T) {
	c, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	stuck := make(chan struct{})
	defer startWorker(t, c, cluster(stuck))()

	t.Run("a paused deployment says how it goes on, and does", func(t *testing.T) {
		const more = "onFailure: pause\napprovals: [verify]\n"
		file := environment(t, "paused", more)
		lockstep(t.Context(), "deploy", "-f", file, "-d").wants(t, exitDone)
		eventually(t, "deploy paused: paused", "status", "paused").wants(t, exitDone, "‖ identity-server", diagnosis, "Waits for a decision until",
			"lockstep retry paused identity-server", "lockstep retry paused -f CHANGED.yaml", "lockstep rollback paused")
		var view operations.View
		if err := json.Unmarshal([]byte(lockstep(t.Context(), "status", "paused", "-o", "json").stdout), &view); err != nil || len(view.Next) != 3 {
			t.Errorf("%v: %q", err, view.Next)
		}
		lockstep(t.Context(), "deploy", "-f", file).wants(t, exitBusy, "waits for a decision: `lockstep retry paused identity-server`")

		lockstep(t.Context(), "skip", "paused", "identity-server", "--reason", "hurry").wants(t, exitBadInput, "cannot be skipped", "skippable are verify, report")
		lockstep(t.Context(), "skip", "paused", "identity-server").wants(t, exitBadInput, `required flag(s) "reason" not set`)
		lockstep(t.Context(), "approve", "paused", "verify", "--reason", "yes").wants(t, exitBadInput, "no step awaits its approval")
		lockstep(t.Context(), "retry", "paused", "identitiy-server").wants(t, exitBadInput, `there is no step "identitiy-server": name one of identity-server`)
		lockstep(t.Context(), "retry", "paused", "-f", environment(t, "other")).wants(t, exitBadInput, `defines environment "other", not "paused"`)
		moved := environment(t, "paused", more, "namespace: elsewhere\n")
		lockstep(t.Context(), "retry", "paused", "-f", moved).wants(t, exitBadInput, "identity-server stays paused", `namespace: this run has used "apim" already`)

		mended := environment(t, "paused", more, "timeouts: {identityServer: 42m}\n")
		lockstep(t.Context(), "retry", "paused", "-f", mended, "--by", "oncall").wants(t, exitDone, "all steps are carried out again", "lockstep watch paused")
		eventually(t, "deploy paused: awaiting-approval", "status", "paused").wants(t, exitDone, "? verify", `lockstep approve paused verify --reason "…"`)

		ctx, interrupt := context.WithCancel(t.Context())
		var shown when
		shown.text, shown.then = "Waits for a decision until", interrupt
		code := run(ctx, []string{"watch", "paused"}, &shown, &shown)
		ran{code: code, stderr: shown.String()}.wants(t, exitDetached, "lockstep approve paused verify", "lockstep watch paused")

		r := lockstep(t.Context(), "approve", "paused", "verify", "--reason", "the window is open", "--by", "deputy", "-o", "json")
		r.wants(t, exitDone, `"decision":"approve"`, `"step":"verify"`)
		lockstep(t.Context(), "watch", "paused").wants(t, exitDone, "Environment paused is deployed", "retry-step identity-server by oncall", "approve verify by deputy", "the window is open")
		r = lockstep(t.Context(), "logs", "paused")
		r.wants(t, exitDone, "phase paused", "wait for a decision about identity-server", "retry-step by oncall (with a changed environment)",
			"all steps are carried out again", "approve verify by deputy: the window is open")
		if strings.Contains(r.stdout, "am.shop.test") {
			t.Errorf("the log holds an environment:\n%s", r.stdout)
		}
		lockstep(t.Context(), "rollback", "paused").wants(t, exitBadInput, "no operation runs", "lockstep status paused")
	})

	t.Run("a paused deployment is rolled back on demand", func(t *testing.T) {
		lockstep(t.Context(), "deploy", "-f", environment(t, "paused-shop", "onFailure: pause\n"), "-d").wants(t, exitDone)
		eventually(t, "deploy paused-shop: paused", "status", "paused-shop")
		lockstep(t.Context(), "rollback", "paused-shop", "--reason", "it is late", "--by", "oncall").wants(t, exitDone, "all that this run did is undone")
		lockstep(t.Context(), "watch", "paused-shop").wants(t, exitRolledBack, diagnosis, "rolled back by oncall: it is late", "all that this run did is undone")
	})

	t.Run("a decision about what runs is refused", func(t *testing.T) {
		file := environment(t, "slow-one")
		lockstep(t.Context(), "deploy", "-f", file, "-d").wants(t, exitDone)
		eventually(t, "0 of 1 pods ready", "status", "slow-one")
		lockstep(t.Context(), "rollback", "slow-one").wants(t, exitBadInput, "no step waits for a decision", "lockstep cancel slow-one")
		lockstep(t.Context(), "cancel", "slow-one").wants(t, exitDone)
		lockstep(t.Context(), "watch", "slow-one").wants(t, exitRolledBack)
		lockstep(t.Context(), "rollback", "nowhere").wants(t, exitBadInput, `no operation on environment "nowhere"`)
	})

	t.Run("a teardown of nothing is refused", func(t *testing.T) {
		lockstep(t.Context(), "teardown", "-f", environment(t, "never")).wants(t, exitNothing, "refused: there is nothing of environment")
	})

	t.Run("a cancellation of what is being undone says so", func(t *testing.T) {
		lockstep(t.Context(), "deploy", "-f", environment(t, "broken-stuck"), "-d").wants(t, exitDone)
		eventually(t, "deploy broken-stuck: compensating", "status", "broken-stuck")
		lockstep(t.Context(), "cancel", "broken-stuck").wants(t, exitDone, "already undoing", "lockstep watch broken-stuck")
		close(stuck)
		lockstep(t.Context(), "watch", "broken-stuck").wants(t, exitRolledBack)
	})
}
