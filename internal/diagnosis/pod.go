package diagnosis

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// checkPods looks at each living pod of the newest revision.
func checkPods(r Rollout, pods podSet) (*Problem, Log) {
	for _, pod := range pods.current {
		if IsReady(pod) {
			continue
		}
		view := viewOf(r.Events, pod, r.Moment)
		view.fields, view.nodes, view.passed = r.Fields, r.Nodes, r.Passed
		if problem, at := checkPod(view, pods.ending() > 0); problem != nil {
			return problem, at
		}
	}
	return nil, Log{}
}

// podView is one pod and what happened to it.
type podView struct {
	Moment
	pod    *corev1.Pod
	events Events
	all    Events    // of the namespace
	since  time.Time // what was before does not count; zero: all counts
	fields Fields
	nodes  map[string]*corev1.Node
	passed map[string]time.Time // when a container was first seen to have passed its startup probe, see [runOf]
}

// viewOf leaves out the past of a pod that is older than the wait: what it lacked may have been put right just now, and
// it will try again.
func viewOf(all Events, pod *corev1.Pod, w Moment) podView {
	view := podView{Moment: w, pod: pod, all: all, events: all.of(pod.UID)}
	if w.Started.Sub(pod.CreationTimestamp.Time) > oldPod {
		view.since = w.Started
		view.events = view.events.since(w.Started)
	}
	return view
}

// checkPod judges one pod that is not ready. crowded: other pods are about to free their place. An old pod that is not ending
// is not: in a rolling update without maxUnavailable it keeps its place until the new one is ready.
func checkPod(v podView, crowded bool) (*Problem, Log) {
	for _, problem := range []*Problem{v.checkScheduling(crowded), v.checkNode(), v.checkMounts()} {
		if problem != nil {
			return problem, Log{}
		}
	}
	for _, c := range containersOf(v.pod) {
		if c.status == nil || c.status.Ready && !c.init {
			continue
		}
		if problem, withLog := v.checkContainer(c); problem != nil {
			at := Log{}
			if withLog {
				at = Log{v.pod.Namespace, v.pod.Name, c.spec.Name}
			}
			return problem, at
		}
	}
	return nil, Log{}
}

// checkMounts finds a volume whose Secret or ConfigMap is not there: the kubelet waits for it for ever.
func (v podView) checkMounts() *Problem {
	if v.pod.Status.Phase != corev1.PodPending {
		return nil
	}
	event := v.events.last("FailedMount")
	if event == nil || !v.lasts(firstSeen(event), mountGrace) {
		return nil
	}
	if !strings.Contains(event.Message, "not found") && !strings.Contains(event.Message, "non-existent") {
		return nil
	}
	return &Problem{Reason: "FailedMount", Object: podName(v.pod), Evidence: firstLine(event.Message),
		NextMove: "create what is named, in namespace " + v.pod.Namespace + ", or correct its name in the chart's values; what Lockstep makes itself comes back with `lockstep deploy`"}
}

func podName(pod *corev1.Pod) string { return "Pod " + pod.Namespace + "/" + pod.Name }

func joinLines(parts ...string) string {
	var full []string
	for _, part := range parts {
		if part != "" {
			full = append(full, part)
		}
	}
	return strings.Join(full, "\n")
}
