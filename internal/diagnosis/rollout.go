package diagnosis

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

// Rollout is what the cluster shows of a Deployment at one moment.
type Rollout struct {
	Deployment  *appsv1.Deployment // nil: not there
	ReplicaSets []*appsv1.ReplicaSet
	Pods        []*corev1.Pod           // of the Deployment's selector
	Events      Events                  // of the namespace
	Nodes       map[string]*corev1.Node // of pods that are not ready, as far as the worker may read nodes
	Passed      map[string]time.Time    // see [MarkPassed]
	Fields      Fields
	Moment
}

// Judge judges a rollout. It is done when exactly the pods of the newest revision are left and all of them are
// ready: while an old pod ends, a Service or a port-forward can still reach it.
func (r Rollout) Judge() Verdict {
	if r.Deployment == nil {
		return r.missing()
	}
	if r.desired() == 0 {
		return Verdict{Waiting: "the Deployment is scaled to 0", Problem: r.scaledToZero()}
	}
	pods := r.split()
	if r.settled(pods) {
		return Verdict{Done: true}
	}
	waiting, log := r.waiting(pods)
	for _, check := range []func(Rollout, podSet) (*Problem, Log){
		checkPaused, checkRejected, checkCreation, checkPods,
	} {
		if problem, at := check(r, pods); problem != nil {
			return Verdict{Waiting: waiting, Problem: problem, Log: at}
		}
	}
	return Verdict{Waiting: waiting, Log: log, Pending: pendingReadiness(r, pods)}
}

// pendingReadiness is what the deadline will mean for a container that has started and is not ready.
func pendingReadiness(r Rollout, pods podSet) *Problem {
	for _, pod := range pods.current {
		view := viewOf(r.Events, pod, r.Moment)
		for _, c := range containersOf(pod) {
			if c.status != nil && view.isUnready(c) {
				return view.readinessProblem(c)
			}
		}
	}
	return nil
}

// scaledToZero is no state that a file asks for: a product without pods serves nobody.
func (r Rollout) scaledToZero() *Problem {
	return &Problem{Reason: "ScaledToZero", Object: "Deployment", Evidence: "it is scaled to 0 replicas, so it has no pods",
		NextMove: "if somebody scaled it by hand, `lockstep deploy` brings its pods back; if an autoscaler sets its replicas, scale it to 1 (" +
			fmt.Sprintf("kubectl -n %s scale deployment/%s --replicas=1); else correct the replicas in the chart's values", r.Deployment.Namespace, r.Deployment.Name)}
}

func (r Rollout) missing() Verdict {
	v := Verdict{Waiting: "the Deployment does not exist yet"}
	if r.lasts(r.Started, missingGrace) {
		v.Problem = &Problem{Reason: "NotFound", Object: "Deployment", Evidence: "it does not exist",
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

func (r Rollout) split() podSet {
	var set podSet
	newest := r.newestReplicaSet()
	for _, pod := range r.Pods {
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

func (r Rollout) newestReplicaSet() *appsv1.ReplicaSet {
	revision := r.Deployment.Annotations[revisionAnnotation]
	for _, rs := range r.ReplicaSets {
		if controlledBy(rs, r.Deployment.UID) && revision != "" && rs.Annotations[revisionAnnotation] == revision {
			return rs
		}
	}
	return nil
}

func controlledBy(obj metav1.Object, uid types.UID) bool {
	owner := metav1.GetControllerOf(obj)
	return owner != nil && owner.UID == uid
}

func (r Rollout) desired() int32 {
	if r.Deployment.Spec.Replicas == nil {
		return 1
	}
	return *r.Deployment.Spec.Replicas
}

func (r Rollout) observed() bool {
	return r.Deployment.Status.ObservedGeneration >= r.Deployment.Generation
}

func (r Rollout) settled(pods podSet) bool {
	status, desired := r.Deployment.Status, r.desired()
	return r.observed() && len(pods.old) == 0 && countReady(pods.current) == int(desired) && len(pods.current) == int(desired) &&
		status.UpdatedReplicas == desired && status.Replicas == desired && status.ReadyReplicas == desired &&
		status.AvailableReplicas == desired
}

func countReady(pods []*corev1.Pod) (ready int) {
	for _, pod := range pods {
		if IsReady(pod) {
			ready++
		}
	}
	return ready
}

// waiting says in a few words what is still missing, and whose log shows it.
func (r Rollout) waiting(pods podSet) (string, Log) {
	if !r.observed() {
		return "the Deployment's newest version has not been seen by its controller", Log{}
	}
	words := []string{fmt.Sprintf("%d/%d pods ready", countReady(pods.current), r.desired())}
	var log Log
	for _, pod := range pods.current {
		if IsReady(pod) {
			continue
		}
		state, container := r.podState(pod)
		words = append(words, state)
		log = Log{pod.Namespace, pod.Name, container}
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

func checkPaused(r Rollout, _ podSet) (*Problem, Log) {
	if !r.Deployment.Spec.Paused {
		return nil, Log{}
	}
	name := r.Deployment.Namespace + "/" + r.Deployment.Name
	return &Problem{Reason: "Paused", Object: "Deployment " + name, Evidence: "its rollout is paused",
		NextMove: "kubectl -n " + r.Deployment.Namespace + " rollout resume deployment/" + r.Deployment.Name}, Log{}
}

// Evidence is what went wrong lately with the Deployment's own objects.
func (r Rollout) Evidence() string {
	var own Events
	for _, pod := range r.Pods {
		own = append(own, r.Events.of(pod.UID)...)
	}
	for _, rs := range r.ReplicaSets {
		if r.Deployment != nil && controlledBy(rs, r.Deployment.UID) {
			own = append(own, r.Events.of(rs.UID)...)
		}
	}
	return own.evidence()
}
