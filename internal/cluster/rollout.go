package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// rollout is what the cluster shows of a Deployment at one moment.
type rollout struct {
	deployment  *appsv1.Deployment // nil: not there
	replicaSets []*appsv1.ReplicaSet
	pods        []*corev1.Pod           // of the Deployment's selector
	events      events                  // of the namespace
	nodes       map[string]*corev1.Node // of pods that are not ready, as far as the worker may read nodes
	passed      map[string]time.Time    // see [markPassed]
	knobs       knobs
	watched
}

// verdict is what follows from it: ready, or what it waits for, or what will keep it from ever being ready.
type verdict struct {
	done    bool
	waiting string
	problem *Problem
	pending *Problem // what the problem will be if this lasts until the deadline; nil: just the deadline
	log     logRef   // whose last lines belong to the problem, or would show what is going on
}

// logRef names one container's log.
type logRef struct {
	namespace, pod, container string
}

// diagnose judges a rollout. It is done when exactly the pods of the newest revision are left and all of them are
// ready: while an old pod ends, a Service or a port-forward can still reach it.
func diagnose(r rollout) verdict {
	if r.deployment == nil {
		return r.missing()
	}
	pods := r.split()
	if r.settled(pods) {
		return verdict{done: true}
	}
	waiting, log := r.waiting(pods)
	for _, check := range []func(rollout, podSet) (*Problem, logRef){
		checkPaused, checkRejected, checkCreation, checkPods,
	} {
		if problem, at := check(r, pods); problem != nil {
			return verdict{waiting: waiting, problem: problem, log: at}
		}
	}
	return verdict{waiting: waiting, log: log, pending: pendingReadiness(r, pods)}
}

// pendingReadiness is what the deadline will mean for a container that has started and is not ready.
func pendingReadiness(r rollout, pods podSet) *Problem {
	for _, pod := range pods.current {
		view := viewOf(r.events, pod, r.watched)
		for _, c := range containersOf(pod) {
			if c.status != nil && view.isUnready(c) {
				return view.readinessProblem(c)
			}
		}
	}
	return nil
}

func (r rollout) missing() verdict {
	v := verdict{waiting: "the Deployment does not exist yet"}
	if r.lasts(r.started, missingGrace) {
		v.problem = &Problem{Reason: "NotFound", Object: "Deployment", Evidence: "it does not exist",
			NextMove: "look at the Helm release that should have made it (helm list -A), and at its name"}
	}
	return v
}

// podSet are the pods of a Deployment by role.
type podSet struct {
	current  []*corev1.Pod // of the newest revision, alive
	rejected []*corev1.Pod // of the newest revision, failed for good
	old      []*corev1.Pod // of other revisions, or ending
}

// ending counts the old pods that are being deleted.
func (p podSet) ending() (n int) {
	for _, pod := range p.old {
		if pod.DeletionTimestamp != nil {
			n++
		}
	}
	return n
}

func (r rollout) split() podSet {
	var set podSet
	newest := r.newestReplicaSet()
	for _, pod := range r.pods {
		current := newest != nil && controlledBy(pod, newest.UID)
		finished := pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
		switch {
		case pod.DeletionTimestamp != nil && !finished:
			set.old = append(set.old, pod)
		case finished && current:
			set.rejected = append(set.rejected, pod)
		case finished:
		case current:
			set.current = append(set.current, pod)
		default:
			set.old = append(set.old, pod)
		}
	}
	slices.SortFunc(set.current, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return set
}

const revisionAnnotation = "deployment.kubernetes.io/revision"

func (r rollout) newestReplicaSet() *appsv1.ReplicaSet {
	revision := r.deployment.Annotations[revisionAnnotation]
	for _, rs := range r.replicaSets {
		if controlledBy(rs, r.deployment.UID) && revision != "" && rs.Annotations[revisionAnnotation] == revision {
			return rs
		}
	}
	return nil
}

func controlledBy(obj metav1.Object, uid types.UID) bool {
	owner := metav1.GetControllerOf(obj)
	return owner != nil && owner.UID == uid
}

func (r rollout) desired() int32 {
	if r.deployment.Spec.Replicas == nil {
		return 1
	}
	return *r.deployment.Spec.Replicas
}

func (r rollout) observed() bool {
	return r.deployment.Status.ObservedGeneration >= r.deployment.Generation
}

func (r rollout) settled(pods podSet) bool {
	status, desired := r.deployment.Status, r.desired()
	return r.observed() && len(pods.old) == 0 && countReady(pods.current) == int(desired) && len(pods.current) == int(desired) &&
		status.UpdatedReplicas == desired && status.Replicas == desired && status.ReadyReplicas == desired &&
		status.AvailableReplicas == desired
}

func countReady(pods []*corev1.Pod) (ready int) {
	for _, pod := range pods {
		if isReady(pod) {
			ready++
		}
	}
	return ready
}

// waiting says in a few words what is still missing, and whose log shows it.
func (r rollout) waiting(pods podSet) (string, logRef) {
	if !r.observed() {
		return "the Deployment's newest version has not been seen by its controller", logRef{}
	}
	words := []string{fmt.Sprintf("%d/%d pods ready", countReady(pods.current), r.desired())}
	var log logRef
	for _, pod := range pods.current {
		if isReady(pod) {
			continue
		}
		state, container := r.podState(pod)
		words = append(words, state)
		log = logRef{pod.Namespace, pod.Name, container}
		break
	}
	if n := pods.ending(); n > 0 {
		words = append(words, fmt.Sprintf("%d old pod(s) still ending", n))
	}
	if n := len(pods.old) - pods.ending(); n > 0 {
		words = append(words, fmt.Sprintf("%d old pod(s) still there", n))
	}
	return strings.Join(words, ", "), log
}

func checkPaused(r rollout, _ podSet) (*Problem, logRef) {
	if !r.deployment.Spec.Paused {
		return nil, logRef{}
	}
	name := r.deployment.Namespace + "/" + r.deployment.Name
	return &Problem{Reason: "Paused", Object: "Deployment " + name, Evidence: "its rollout is paused",
		NextMove: "kubectl -n " + r.deployment.Namespace + " rollout resume deployment/" + r.deployment.Name}, logRef{}
}
