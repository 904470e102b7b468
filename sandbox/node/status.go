package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// seconds is a time as the API keeps it: one that is finer never equals what was stored.
func seconds(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }

// change changes what the status is made of, and has it written if edit says so.
func (p *pod) change(edit func() (changed bool)) {
	p.mu.Lock()
	changed := edit()
	p.mu.Unlock()
	if !changed {
		return
	}
	select {
	case p.changed <- struct{}{}:
	default: // a write that is due will see it
	}
}

// writeStatuses writes the status after each change until ctx ends.
func (p *pod) writeStatuses(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		}
		for p.writeStatus(ctx) != nil && sleep(ctx, time.Second) {
		}
	}
}

// writeStatus writes the status as it is now. A pod that has gone needs none.
func (p *pod) writeStatus(ctx context.Context) error {
	pods := p.node.client.CoreV1().Pods(p.object.Namespace)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		current, err := pods.Get(ctx, p.object.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if current.UID != p.object.UID || terminal(p.object) {
			return nil
		}
		status := p.status(current.Status, seconds(time.Now()))
		if equality.Semantic.DeepEqual(status, current.Status) {
			return nil
		}
		current.Status = status
		_, err = pods.UpdateStatus(ctx, current, metav1.UpdateOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil && ctx.Err() == nil {
		p.node.Log.Error("writing pod status", "pod", p.name(), "error", err)
	}
	return err
}

// status is the pod's status as it is now, over the one that the API server has.
func (p *pod) status(current corev1.PodStatus, now metav1.Time) corev1.PodStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := *current.DeepCopy()
	status.StartTime = &p.begun
	host := kubeletAddress(p.node.Instance)
	status.HostIP, status.HostIPs = host, []corev1.HostIP{{IP: host}}
	if p.rejected.Reason != "" {
		status.Phase, status.Reason, status.Message = corev1.PodFailed, p.rejected.Reason, p.rejected.Message
		return status
	}
	if p.prepared {
		status.PodIP = p.address.String()
		status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	}
	status.InitContainerStatuses = statuses(p.init)
	status.ContainerStatuses = statuses(p.main)
	status.Phase = phase(p.object.Spec.RestartPolicy, status.InitContainerStatuses, status.ContainerStatuses)
	for _, condition := range conditions(status, p.prepared) {
		setCondition(&status, condition, now)
	}
	return status
}

func statuses(containers []*container) []corev1.ContainerStatus {
	var all []corev1.ContainerStatus
	for _, c := range containers {
		all = append(all, *c.status.DeepCopy())
	}
	return all
}

// phase sums up the containers as a kubelet does.
func phase(policy corev1.RestartPolicy, init, main []corev1.ContainerStatus) corev1.PodPhase {
	for _, status := range init {
		ended := status.State.Terminated
		switch {
		case ended != nil && ended.ExitCode != 0 && policy == corev1.RestartPolicyNever:
			return corev1.PodFailed
		case ended == nil || ended.ExitCode != 0:
			return corev1.PodPending
		}
	}
	waiting, running, succeeded := 0, 0, 0
	for _, status := range main {
		switch {
		case status.State.Running != nil:
			running++
		case status.State.Waiting != nil && status.LastTerminationState.Terminated == nil:
			waiting++
		case status.State.Terminated != nil && status.State.Terminated.ExitCode == 0:
			succeeded++
		}
	}
	switch {
	case waiting > 0:
		return corev1.PodPending
	case running > 0 || policy == corev1.RestartPolicyAlways:
		return corev1.PodRunning
	case succeeded == len(main):
		return corev1.PodSucceeded
	case policy == corev1.RestartPolicyNever:
		return corev1.PodFailed
	}
	return corev1.PodRunning
}

// conditions are a kubelet's, and PodScheduled, which is true of every pod that a node has.
func conditions(status corev1.PodStatus, prepared bool) []corev1.PodCondition {
	uninitialized := names(status.InitContainerStatuses, func(s corev1.ContainerStatus) bool { return !s.Ready })
	unready := names(status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return !s.Ready })
	initialized := condition(corev1.PodInitialized, len(uninitialized) == 0, "ContainersNotInitialized", "incomplete", uninitialized)
	ready := condition(corev1.PodReady, len(unready) == 0, "ContainersNotReady", "unready", unready)
	if status.Phase == corev1.PodSucceeded {
		ready = corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "PodCompleted"}
	}
	containers := ready
	containers.Type = corev1.ContainersReady
	return []corev1.PodCondition{
		condition(corev1.PodReadyToStartContainers, prepared, "", "", nil),
		initialized, ready, containers,
		condition(corev1.PodScheduled, true, "", "", nil),
	}
}

func names(statuses []corev1.ContainerStatus, which func(corev1.ContainerStatus) bool) []string {
	var found []string
	for _, status := range statuses {
		if which(status) {
			found = append(found, status.Name)
		}
	}
	return found
}

func condition(kind corev1.PodConditionType, holds bool, reason, adjective string, of []string) corev1.PodCondition {
	if holds {
		return corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue}
	}
	c := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, Reason: reason}
	if adjective != "" {
		c.Message = fmt.Sprintf("containers with %s status: [%s]", adjective, strings.Join(of, " "))
	}
	return c
}

// setCondition keeps the time of the last transition where there is none.
func setCondition(status *corev1.PodStatus, next corev1.PodCondition, now metav1.Time) {
	i := slices.IndexFunc(status.Conditions, func(c corev1.PodCondition) bool { return c.Type == next.Type })
	next.LastTransitionTime = now
	if i < 0 {
		status.Conditions = append(status.Conditions, next)
		return
	}
	if status.Conditions[i].Status == next.Status {
		next.LastTransitionTime = status.Conditions[i].LastTransitionTime
	}
	status.Conditions[i] = next
}
