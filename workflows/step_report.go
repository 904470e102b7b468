package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config/step"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// reportStep collects what became of a deployment.
type reportStep struct {
	*deployment // what the other steps found out
	report      activities.Report
}

func (s *reportStep) step() saga.Step {
	return saga.Step{
		Name: step.Report, Summary: "collect addresses, digests and durations", Do: s.do,
		Skippable: "what is deployed does not depend on it; addresses and expiry are missing from the result, and old revisions stay until the next deployment",
	}
}

func (s *reportStep) do(ctx workflow.Context) (string, error) {
	in := activities.ReportInput{
		Input: s.trimmed(""), Kubernetes: s.preflight.found.Kubernetes, Image: s.images.identityServer, APIManagerImage: s.images.apiManager, Gateway: s.gateway.ready,
		KeyManager: s.keyManager.registered, Releases: s.applied(), Verified: s.verify.proved, Warnings: s.warnings(),
	}
	report, err := call.Get[activities.Report](ctx, call.Quick("read addresses and expiry"), a.CollectReport, in)
	if err != nil {
		return "", err
	}
	report.Durations, report.CriticalPath = board.Durations(s.board.Status, workflow.Now(ctx))
	s.report = report
	return fmt.Sprintf("%d steps", len(s.board.Status.Steps)), nil
}

func (s *reportStep) warnings() []string {
	return slices.Concat(s.preflight.found.Warnings, s.certificates.made.Warnings)
}

// whole is the report with what operators decided, and with more warnings. If they skipped the report, it says what is known without.
func (s *reportStep) whole(more []string) activities.Report {
	report := s.report
	if report.Environment == "" {
		report = activities.Report{Environment: s.env.Name, Namespace: s.env.Namespace, Kubernetes: s.preflight.found.Kubernetes,
			Issuer: s.keyManager.registered.Issuer, KeyManager: s.keyManager.registered.ID, Image: s.images.identityServer.Reference,
			Releases: s.applied(), GatewayURL: "https://" + s.env.Hostnames.Gateway, Verified: s.verify.proved.Proved, Warnings: s.warnings()}
	}
	for _, row := range s.board.Status.Steps {
		if row.State == board.StateSkipped {
			report.Warnings = append(report.Warnings, fmt.Sprintf("step %s was %s; it had failed: %s", row.Name, row.Note, row.Error))
		}
	}
	report.Warnings = append(report.Warnings, more...)
	report.Decisions = s.board.Status.Decisions
	return report
}
