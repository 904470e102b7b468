package workflows

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockstep/activities"
	"lockstep/internal/component"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
	"lockstep/internal/release"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/workflowstest"
)

func TestARotationRestartsOneProductAfterTheOtherAndProvesThatItWorks(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("CollectReport", 0, reportOf)
	o.on("RotateCertificates", 0, func(_ context.Context, in activities.RotateInput) (activities.Rotated, error) {
		if in.Component == component.Gateway {
			return activities.Rotated{Left: "Secret apim/own was not made by Lockstep", Renewed: true}, nil
		}
		return activities.Rotated{}, nil
	})
	o.ExecuteWorkflow(Rotate, RotateInput{Request: Of(quickstart(t))})
	var report activities.Report
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, b := range o.begun {
		switch b.name {
		case "RotateCertificates", "ApplyRelease", "WaitWorkload", "RegisterKeyManager", "Verify", "SettleRotation":
			if !strings.HasSuffix(b.String(), " gateway") {
				order = append(order, b.String())
			}
		}
	}
	want := []string{"RotateCertificates identity-server", "ApplyRelease identity-server", "WaitWorkload identity-server",
		"RotateCertificates api-manager", "ApplyRelease api-manager", "WaitWorkload api-manager", "RegisterKeyManager", "Verify", "SettleRotation"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
	s := o.board()
	if s.Operation != "rotate" || s.Outcome != board.OutcomeDone || !strings.HasPrefix(rowOf(s, "gateway").Note, "renewed, and left: Secret apim/own") {
		t.Errorf("board: %s %s %q", s.Operation, s.Outcome, rowOf(s, "gateway").Note)
	}
}

// A product that restarts must find the earlier stores.
func TestAFailedRotationPutsTheStoresBackBeforeItRestartsTheProducts(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("LookRelease", 0, func(context.Context, activities.ReleaseRef) (release.State, error) {
		return release.State{Exists: true, Revision: 4}, nil
	})
	o.on("WaitWorkload", time.Minute, neverReady(component.APIManager))
	o.ExecuteWorkflow(Rotate, RotateInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); workflowstest.TypeOf(err) != board.TypeRolledBack {
		t.Fatalf("got %v", err)
	}
	var undone []string
	for _, b := range o.begun {
		if b.name == "UndoRotateCertificates" || b.name == "RestoreRelease" {
			undone = append(undone, b.String())
		}
	}
	env := quickstart(t)
	want := []string{"UndoRotateCertificates api-manager", "RestoreRelease " + env.APIManager.Release, "UndoRotateCertificates identity-server",
		"RestoreRelease " + env.IdentityServer.Release, "UndoRotateCertificates gateway"}
	if diff := cmp.Diff(want, undone); diff != "" {
		t.Error(diff)
	}
}

func TestARotationChangesNothingWhereTheFileSaysSomethingElse(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("DriftRelease", 0, func(context.Context, activities.ApplyReleaseInput) ([]drift.Item, error) {
		return []drift.Item{{Object: "release apim/is", Field: "chart", Wants: "2", Is: "1"}}, nil
	})
	o.ExecuteWorkflow(Rotate, RotateInput{Request: Of(quickstart(t))})
	err := o.GetWorkflowError()
	if workflowstest.TypeOf(err) != board.TypeRolledBack || !strings.Contains(err.Error(), "lockstep deploy") || !strings.Contains(err.Error(), "nothing had been changed") {
		t.Errorf("got %v", err)
	}
	if slices.ContainsFunc(o.begun, func(b begun) bool { return b.name == "RotateCertificates" }) {
		t.Errorf("began %v", o.begun)
	}
}

func TestARotationRefusesWhatMustStayAndSaysWhy(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.ExecuteWorkflow(Rotate, RotateInput{Request: Of(quickstart(t)), Options: RotateOptions{What: []string{"certificates", "adminPassword"}}})
	err := o.GetWorkflowError()
	if call.KindOf(err) != failure.InvalidConfig || !strings.Contains(err.Error(), `is not a value of this option: encryption keys`) || len(o.begun) > 0 {
		t.Errorf("got %v", err)
	}
}
