package chaos

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/test/world"
	"lockstep/workflows"
	"lockstep/workflows/call"
)

// inject does what a fault says, now, and returns what it met.
func (s *site) inject(t testing.TB, run string, f Fault) (seen string) {
	t.Helper()
	switch f.Kind {
	case KillWorker, HoldAndKill:
		s.StopWorker(t, syscall.SIGKILL)
		seen = s.met(t, run, f)
		s.StartWorker(t)
	case FreezeWorker, HoldAndFreeze:
		s.freeze(t)
		seen = s.met(t, run, f)
		s.StartWorker(t)
		seen += s.takeover(t, run)
		s.thaw(t)
	case OutliveWorker:
		s.freeze(t)
		seen = s.met(t, run, f)
		s.StartWorker(t)
	case KillProcess:
		s.killProcess(t, f.Process)
		seen = s.met(t, run, f)
	case CancelOperator:
		s.Lockstep(t, "cancel", world.Environment)
	default:
		t.Fatalf("nobody knows how to inject %q", f.Kind)
	}
	return seen
}

// met is what a fault found: releases that are pending, Secrets that were made, activities that were under way.
func (s *site) met(t testing.TB, run string, f Fault) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var met []string
	if f.At.Pending != "" {
		records, err := s.kube.CoreV1().Secrets("").List(ctx, metav1.ListOptions{LabelSelector: "owner=helm,name=" + f.At.Pending})
		if err == nil {
			for _, record := range records.Items {
				met = append(met, "v"+record.Labels["version"]+" "+record.Labels["status"])
			}
		}
		return strings.Join(met, ", ")
	}
	if f.At.Secret != "" {
		secrets, err := s.kube.CoreV1().Secrets(world.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=lockstep"})
		if err == nil {
			for _, secret := range secrets.Items {
				met = append(met, secret.Name)
			}
		}
		return "there: " + strings.Join(met, ", ")
	}
	d, err := s.Temporal.DescribeWorkflowExecution(ctx, workflows.CanonicalID(world.Environment), run)
	if err != nil {
		return ""
	}
	for _, pending := range d.GetPendingActivities() {
		met = append(met, strings.TrimPrefix(pending.GetActivityType().GetName(), "Activities.")+" of "+call.StepOf(pending.GetActivityId()))
	}
	slices.Sort(met)
	if len(met) == 0 {
		return "between activities"
	}
	return "amid " + strings.Join(met, ", ")
}
