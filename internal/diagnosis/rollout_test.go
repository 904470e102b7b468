package diagnosis

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// now is when the tests look; started is when the wait began.
var (
	now     = time.Date(2026, 3, 1, 12, 10, 0, 0, time.UTC)
	started = now.Add(-2 * time.Minute)
)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// seen is a rollout of one replica with one scheduled pod of the newest revision, changed by edits.
func seen(edits ...func(*Rollout)) Rollout {
	r := Rollout{
		Moment: Moment{Now: now, Started: started}, Passed: map[string]time.Time{},
		Deployment: &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "is", Namespace: "apim", UID: "d", Generation: 3, Annotations: map[string]string{revisionAnnotation: "2"}},
			Status:     appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 1, UpdatedReplicas: 1},
		},
		ReplicaSets: []*appsv1.ReplicaSet{replicaSet("old", "1"), replicaSet("new", "2")},
		Pods:        []*corev1.Pod{pod("new-1", "new")},
	}
	for _, edit := range edits {
		edit(&r)
	}
	return r
}

func replicaSet(uid, revision string) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
		Name: "is-" + uid, Namespace: "apim", UID: types.UID(uid), Annotations: map[string]string{revisionAnnotation: revision},
		OwnerReferences: controlled("d"),
	}}
}

func controlled(by types.UID) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{UID: by, Controller: &yes}}
}

func pod(name, owner string) *corev1.Pod {
	start := ago(time.Minute)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "apim", UID: types.UID(name), OwnerReferences: controlled(types.UID(owner)), CreationTimestamp: start},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "wso2is", Image: "registry/is@sha256:1", StartupProbe: &corev1.Probe{PeriodSeconds: 5, FailureThreshold: 60, InitialDelaySeconds: 2},
			ReadinessProbe: &corev1.Probe{},
		}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodPending, StartTime: &start,
			Conditions:        []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionFalse}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "wso2is", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}},
		},
	}
}

func ready(r *Rollout) {
	r.Deployment.Status.ReadyReplicas, r.Deployment.Status.AvailableReplicas = 1, 1
	for _, p := range r.Pods {
		p.Status.Phase = corev1.PodRunning
		p.Status.Conditions[1].Status = corev1.ConditionTrue
		p.Status.ContainerStatuses[0] = corev1.ContainerStatus{Name: "wso2is", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	}
}

func status(edit func(*corev1.ContainerStatus)) func(*Rollout) {
	return func(r *Rollout) {
		s := &r.Pods[0].Status.ContainerStatuses[0]
		*s = corev1.ContainerStatus{Name: "wso2is"}
		edit(s)
	}
}

func waits(reason, message string) func(*Rollout) {
	return status(func(s *corev1.ContainerStatus) {
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
	})
}

func runs(restarts int32, last *corev1.ContainerStateTerminated) func(*Rollout) {
	return func(r *Rollout) {
		r.Pods[0].Status.Phase = corev1.PodRunning
		status(func(s *corev1.ContainerStatus) {
			s.State.Running = &corev1.ContainerStateRunning{StartedAt: ago(50 * time.Second)}
			s.RestartCount, s.LastTerminationState.Terminated = restarts, last
		})(r)
	}
}

func happened(uid types.UID, reason, message string, count int32, first, last time.Duration) func(*Rollout) {
	return func(r *Rollout) {
		r.Events = append(r.Events, &corev1.Event{
			InvolvedObject: corev1.ObjectReference{UID: uid}, Type: corev1.EventTypeWarning, Reason: reason, Message: message,
			Count: count, FirstTimestamp: ago(first), LastTimestamp: ago(last),
		})
	}
}

func unschedulable(since time.Duration, message string) func(*Rollout) {
	return func(r *Rollout) {
		r.Pods[0].Status.Conditions[0] = corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
			Reason: corev1.PodReasonUnschedulable, Message: message, LastTransitionTime: ago(since)}
		r.Pods[0].Status.ContainerStatuses = nil
	}
}

const (
	unbound = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
	noClass = "no persistent volumes available for this claim and no storage class is set"
)

// unscheduled is a pod about which the scheduler has said nothing yet, as while it waits for a volume.
func unscheduled(r *Rollout) {
	r.Pods[0].Status.Conditions = r.Pods[0].Status.Conditions[1:]
	r.Pods[0].Status.ContainerStatuses = nil
}

func claims(r *Rollout) {
	r.Pods[0].Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
}

// about is an event of a claim, repeated until now.
func about(claim, reason, message string, first time.Duration) func(*Rollout) {
	return func(r *Rollout) {
		happened("", reason, message, 2, first, 0)(r)
		r.Events[len(r.Events)-1].InvolvedObject = corev1.ObjectReference{Kind: "PersistentVolumeClaim", Name: claim}
	}
}

// onNode puts the pod on a node that has not been ready for so long.
func onNode(since time.Duration) func(*Rollout) {
	return func(r *Rollout) {
		r.Pods[0].Spec.NodeName = "n1"
		lostNode(since)(r)
	}
}

// lostNode is a node that has not been ready for so long.
func lostNode(since time.Duration) func(*Rollout) {
	return func(r *Rollout) {
		r.Nodes = map[string]*corev1.Node{"n1": {ObjectMeta: metav1.ObjectMeta{Name: "n1"}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeReady, Status: corev1.ConditionUnknown, Reason: "NodeStatusUnknown", LastTransitionTime: ago(since)}}}}}
	}
}

// startedAgo is a container that was seen to pass its startup probe so long ago, and is not ready.
func startedAgo(since time.Duration) func(*Rollout) {
	return func(r *Rollout) {
		runs(0, nil)(r)
		yes := true
		r.Pods[0].Status.ContainerStatuses[0].Started = &yes
		r.Passed = map[string]time.Time{runOf(r.Pods[0], &r.Pods[0].Status.ContainerStatuses[0]): now.Add(-since)}
	}
}

// beganBefore lets the wait have begun so long ago.
func beganBefore(age time.Duration) func(*Rollout) {
	return func(r *Rollout) { r.Started = now.Add(-age) }
}

// begun lets the kubelet have taken the pod, and the wait have begun, so long ago.
func begun(age time.Duration) func(*Rollout) {
	return func(r *Rollout) {
		start := ago(age)
		r.Pods[0].Status.StartTime, r.Started = &start, start.Time
	}
}

// born makes the first pod that old.
func born(age time.Duration) func(*Rollout) {
	return func(r *Rollout) { r.Pods[0].CreationTimestamp = ago(age) }
}

func ended(code int32, reason string, since time.Duration) *corev1.ContainerStateTerminated {
	return &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, FinishedAt: ago(since)}
}

func TestARolloutIsDoneOnlyWhenExactlyTheNewPodsAreLeftAndReady(t *testing.T) {
	old := func(edit func(*corev1.Pod)) func(*Rollout) {
		return func(r *Rollout) {
			p := pod("old-1", "old")
			p.Status.Phase = corev1.PodRunning
			edit(p)
			r.Pods = append(r.Pods, p)
		}
	}
	for _, test := range []struct {
		name    string
		r       Rollout
		done    bool
		waiting string
	}{
		{"ready", seen(ready), true, ""},
		{"not yet ready", seen(), false, "0/1 pods ready, wso2is is being made"},
		{"seen by no controller", seen(ready, func(r *Rollout) { r.Deployment.Generation = 4 }), false, "has not been seen"},
		{"an old pod serves", seen(ready, old(func(*corev1.Pod) {})), false, "1/1 pods ready, 1 old pod(s) still there"},
		{"an old pod ends", seen(ready, old(func(p *corev1.Pod) { ts := ago(0); p.DeletionTimestamp = &ts })), false, "1 old pod(s) still ending"},
		{"an old pod was evicted and is only a record", seen(ready, old(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })), true, ""},
		{"the new pod ends", seen(ready, func(r *Rollout) { ts := ago(0); r.Pods[0].DeletionTimestamp = &ts }), false, "0/1 pods ready, 1 old"},
		{"starting up", seen(runs(0, nil), happened("new-1", "Unhealthy", "Startup probe failed: refused", 3, 30*time.Second, 0)), false, "startup probe 3/60"},
		{"pulling", seen(happened("new-1", "Pulling", "Pulling image", 1, 0, 0)), false, "wso2is is being pulled: registry/is@sha256:1"},
		{"made a moment ago", func() Rollout {
			r := seen(func(r *Rollout) { r.Deployment = nil })
			r.Started = now.Add(-time.Second)
			return r
		}(), false, "does not exist yet"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.r.Judge()
			if got.Problem != nil {
				t.Fatalf("problem: %v", got.Problem)
			}
			if got.Done != test.done || !strings.Contains(got.Waiting, test.waiting) {
				t.Errorf("done %v, waiting %q; want %v, %q", got.Done, got.Waiting, test.done, test.waiting)
			}
		})
	}
}

func TestARolloutThatCannotSucceedIsNamedAtOnce(t *testing.T) {
	rejected := func(n int, age time.Duration) func(*Rollout) {
		return func(r *Rollout) {
			r.Pods = nil
			for i := range n {
				p := pod("new-"+string(rune('1'+i)), "new")
				p.CreationTimestamp = ago(age)
				p.Status.Phase, p.Status.Reason, p.Status.Message = corev1.PodFailed, "AppArmor", "Cannot enforce AppArmor"
				r.Pods = append(r.Pods, p)
			}
		}
	}
	refused := func(since time.Duration, message string) func(*Rollout) {
		return func(r *Rollout) {
			r.Pods, r.Started = nil, now.Add(-since)
			r.ReplicaSets[1].Status.Conditions = []appsv1.ReplicaSetCondition{{
				Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, LastTransitionTime: ago(since), Message: message}}
		}
	}
	looping := func(s *corev1.ContainerStatus) {
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
		s.RestartCount, s.LastTerminationState.Terminated = 1, ended(1, "Error", 5*time.Second)
	}
	for _, test := range []struct {
		name   string
		r      Rollout
		reason string // "" if it is no problem
		next   string // part of the next move
		log    bool
	}{
		{"image not found", seen(waits("ErrImagePull", `"registry/is@sha256:1": not found`)), "ErrImagePull", "under exactly this name", false},
		{"image refused", seen(waits("ErrImagePull", "401 Unauthorized")), "ErrImagePull", "image.pullSecret", false},
		{"one failed pull", seen(waits("ErrImagePull", "unexpected thing")), "", "", false},
		{"a back-off whose events are not there", seen(waits("ImagePullBackOff", "Back-off pulling image")), "", "", false},
		{"a back-off for minutes whose events are not there", seen(waits("ImagePullBackOff", "Back-off pulling image"), begun(3*time.Minute)), "ImagePullBackOff", "make the registry answer", false},
		{"an image for another platform", seen(waits("ErrImagePull", "no match for platform in manifest: not found")), "ErrImagePull", "image.platforms", false},
		{"a registry whose certificate the nodes do not trust", seen(waits("ErrImagePull", "tls: failed to verify certificate: x509: certificate signed by unknown authority")), "ErrImagePull", "give its CA", false},
		{"a name server that hiccups", seen(waits("ImagePullBackOff", "lookup registry: no such host"),
			happened("new-1", "Failed", "Failed to pull image: lookup registry: no such host", 2, 0, 0)), "", "", false},
		{"a registry that is overloaded for good", seen(waits("ImagePullBackOff", "503 Service Unavailable"),
			happened("new-1", "Failed", "Failed to pull image: 503 Service Unavailable", 3, 0, 0)), "ImagePullBackOff", "make the registry answer", false},
		{"registry timed out once", seen(waits("ImagePullBackOff", "dial tcp: i/o timeout"),
			happened("new-1", "Failed", "Failed to pull image: i/o timeout", 1, 0, 0)), "", "", false},
		{"registry timed out for good", seen(waits("ImagePullBackOff", "dial tcp: i/o timeout"),
			happened("new-1", "Failed", "Failed to pull image: i/o timeout", 3, 0, 0)), "ImagePullBackOff", "make the registry answer", false},
		{"an old pod's pull failed before the wait", seen(waits("ImagePullBackOff", "not found"), born(time.Hour),
			happened("new-1", "Failed", "Failed to pull image: not found", 9, time.Hour, 10*time.Minute)), "", "", false},
		{"image name", seen(waits("InvalidImageName", "couldn't parse")), "InvalidImageName", "correct the image's name", false},
		{"crash loop", seen(status(looping)), "CrashLoopBackOff", "its log say", true},
		{"crash loop of an old pod whose cause may be gone", seen(status(func(s *corev1.ContainerStatus) {
			looping(s)
			s.LastTerminationState.Terminated = ended(1, "Error", 3*time.Minute)
		}), born(time.Hour)), "", "", false},
		{"restarted once", seen(runs(1, ended(1, "Error", 30*time.Second))), "", "", false},
		{"restarted twice", seen(runs(2, ended(1, "Error", 30*time.Second))), "CrashLoopBackOff", "its log say", true},
		{"crashed a moment ago, for a reason that an event may tell", seen(runs(2, ended(143, "Error", time.Second))), "", "", false},
		{"restarted long ago", seen(runs(5, ended(1, "Error", time.Hour))), "", "", false},
		{"out of memory", seen(runs(1, ended(137, "OOMKilled", 5*time.Second))), "OOMKilled", "resources.limits.memory", true},
		{"startup probe ran out", seen(runs(0, nil),
			happened("new-1", "Killing", "Container wso2is failed startup probe, will be restarted", 1, 0, 0)), "StartupProbeFailed", "failureThreshold", true},
		{"liveness probe", seen(runs(2, ended(143, "Error", time.Second)),
			happened("new-1", "Killing", "Container wso2is failed liveness probe, will be restarted", 2, 0, 0)), "LivenessProbeFailed", "livenessProbe", true},
		{"no room for a moment", seen(unschedulable(10*time.Second, "0/1 nodes are available: 1 Insufficient cpu.")), "", "", false},
		{"no room", seen(unschedulable(30*time.Second, "0/1 nodes are available: 1 Insufficient cpu.")), "Unschedulable", "requests", false},
		{"no room yet, but a node comes", seen(unschedulable(30*time.Second, "Insufficient cpu"),
			happened("new-1", "TriggeredScaleUp", "pod triggered scale-up", 1, 0, 0)), "", "", false},
		{"no room until the old pod is gone", seen(unschedulable(30*time.Second, "Insufficient cpu"), func(r *Rollout) {
			old, deleted := pod("old-1", "old"), ago(time.Second)
			old.DeletionTimestamp = &deleted
			r.Pods = append(r.Pods, old)
		}), "", "", false},
		{"no room beside the old pod, which waits for the new one", seen(unschedulable(30*time.Second, "Insufficient cpu"), func(r *Rollout) {
			r.Pods = append(r.Pods, pod("old-1", "old"))
		}), "Unschedulable", "requests", false},
		{"tainted", seen(unschedulable(30*time.Second, "1 node(s) had untolerated taint")), "Unschedulable", "toleration", false},
		{"no room, and the autoscaler adds none", seen(unschedulable(30*time.Second, "Insufficient cpu"), happened("new-1", "TriggeredScaleUp", "", 1, 20*time.Second, 20*time.Second),
			happened("new-1", "NotTriggerScaleUp", "max node group size reached", 1, 0, 0)), "Unschedulable", "add a node", false},
		{"a node that restarts", seen(unschedulable(30*time.Second, "1 node(s) had untolerated taint(s)"), lostNode(30*time.Second)), "", "", false},
		{"a node that is gone", seen(unschedulable(90*time.Second, "1 node(s) had untolerated taint(s)"), lostNode(90*time.Second)), "Unschedulable", "kubectl describe node n1", false},
		{"no room, beside a node that is gone", seen(unschedulable(30*time.Second, "2 Insufficient cpu"), lostNode(30*time.Second)), "Unschedulable", "resources.requests", false},
		{"no node of that name", seen(unschedulable(30*time.Second, "1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector")), "Unschedulable", "nodeSelector", false},
		{"the pod's node restarts", seen(onNode(30 * time.Second)), "", "", false},
		{"the pod's node is gone", seen(onNode(90 * time.Second)), "NodeNotReady", "kubectl describe node n1", false},
		{"a claim that a provisioner works on", seen(unschedulable(30*time.Second, unbound), claims, about("data", "ExternalProvisioning", "Waiting for a volume", time.Minute)), "", "", false},
		{"a claim that waits for this pod", seen(unscheduled, claims, about("data", "WaitForFirstConsumer", "waiting for first consumer to be created before binding", time.Minute)), "", "", false},
		{"a claim of this pod's that is being provisioned after it has its place", seen(unscheduled, claims, about("data", "Provisioning", "External provisioner is provisioning volume", time.Minute)), "", "", false},
		{"a claim that a provisioner failed with once", seen(unscheduled, claims, about("data", "ProvisioningFailed", "rpc error: rate exceeded", 50*time.Second)), "", "", false},
		{"a claim that a provisioner failed with before it succeeded", seen(unscheduled, born(9*time.Minute), claims, about("data", "ProvisioningFailed", "rpc error", 4*time.Minute),
			about("data", "ProvisioningSucceeded", "done", 0)), "", "", false},
		{"a claim that a provisioner fails with for minutes", seen(unscheduled, born(4*time.Minute), beganBefore(4*time.Minute), claims, about("data", "ProvisioningFailed", "rpc error: no capacity", 4*time.Minute)), "UnboundVolume", "describe pvc data", false},
		{"a claim without a StorageClass for a moment", seen(unschedulable(10*time.Second, unbound), claims, about("data", "FailedBinding", noClass, 10*time.Second)), "", "", false},
		{"a claim without a StorageClass", seen(unschedulable(30*time.Second, unbound), claims, about("data", "FailedBinding", noClass, 30*time.Second)), "UnboundVolume", "no default StorageClass", false},
		{"a claim of a StorageClass that is not there", seen(unschedulable(30*time.Second, unbound), claims,
			about("data", "ProvisioningFailed", `storageclass.storage.k8s.io "fast" not found`, 30*time.Second)), "UnboundVolume", "a StorageClass that exists", false},
		{"a claim that is not there", seen(unschedulable(30*time.Second, `persistentvolumeclaim "data" not found`), claims), "UnboundVolume", "create the claim", false},
		{"no room, beside a claim whose trouble is over", seen(unschedulable(30*time.Second, "Insufficient cpu"), claims, about("data", "FailedBinding", noClass, time.Minute)), "Unschedulable", "requests", false},
		{"not ready for a while after the start", seen(startedAgo(4 * time.Minute)), "", "", false},
		{"scaled to 0", seen(func(r *Rollout) { r.Deployment.Spec.Replicas, r.Pods = new(int32), nil }), "ScaledToZero", "lockstep deploy", false},
		{"never ready after the start", seen(startedAgo(6 * time.Minute)), "ReadinessProbeFailed", "its log says what is missing", true},
		{"Secret missing for a moment", seen(happened("new-1", "FailedMount", `secret "nope" not found`, 1, time.Second, time.Second)), "", "", false},
		{"Secret missing", seen(happened("new-1", "FailedMount", `MountVolume.SetUp failed for volume "k": secret "nope" not found`, 5, 20*time.Second, time.Second)), "FailedMount", "create what is named", false},
		{"key of a Secret missing", seen(waits("CreateContainerConfigError", `couldn't find key x in Secret`)), "CreateContainerConfigError", "create what is named", false},
		{"rejected by the node", seen(rejected(3, time.Second)), "AppArmor", "apparmor.enabled", false},
		{"rejected once", seen(rejected(1, time.Second)), "", "", false},
		{"rejected long ago", seen(rejected(3, time.Hour)), "", "", false},
		{"over quota", seen(refused(10*time.Second, `pods "x" is forbidden: exceeded quota: small`)), "FailedCreate", "ResourceQuota", false},
		{"over quota until the old pod is gone", seen(refused(10*time.Second, `pods "x" is forbidden: exceeded quota: small`), func(r *Rollout) {
			old, deleted := pod("old-1", "old"), ago(time.Second)
			old.DeletionTimestamp = &deleted
			r.Pods = append(r.Pods, old)
		}), "", "", false},
		{"outside the LimitRange", seen(refused(10*time.Second, `pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi`)), "FailedCreate", "LimitRange", false},
		{"against a policy", seen(refused(10*time.Second, `pods "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`)), "FailedCreate", "ask its owner", false},
		{"refused a moment ago", seen(refused(time.Second, "webhook denied")), "", "", false},
		{"pod security", seen(refused(10*time.Second, `violates PodSecurity "restricted"`)), "FailedCreate", "Pod Security", false},
		{"paused", seen(func(r *Rollout) { r.Deployment.Spec.Paused = true }), "Paused", "rollout resume", false},
		{"not there", seen(func(r *Rollout) { r.Deployment = nil }), "NotFound", "Helm release", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.r.Judge()
			if got.Problem == nil {
				if test.reason != "" {
					t.Fatalf("no problem; want %s", test.reason)
				}
				return
			}
			if got.Problem.Reason != test.reason || !strings.Contains(got.Problem.NextMove, test.next) {
				t.Errorf("got %+v; want %s, next %q", got.Problem, test.reason, test.next)
			}
			if (got.Log.Container != "") != test.log {
				t.Errorf("log %+v; want one: %v", got.Log, test.log)
			}
		})
	}
}

func TestAStartupProbeThatRanOutNamesTheFieldToRaiseAndTheBudget(t *testing.T) {
	killed := happened("new-1", "Killing", "Container wso2is failed startup probe, will be restarted", 1, 0, 0)
	for name, test := range map[string]struct {
		fields Fields
		want   []string
	}{
		"by the chart's values": {Fields{"identityServer.values.deployment", "timeouts.identityServer", 15 * time.Minute},
			[]string{"identityServer.values.deployment.startupProbe.failureThreshold", "it is 60 now", "a budget of 302 s"}},
		"by the step's time": {Fields{"identityServer.values.deployment", "timeouts.identityServer", 5 * time.Minute},
			[]string{"timeouts.identityServer, which is 5m0s now"}},
		"by nothing that is known": {Fields{}, []string{"startupProbe.failureThreshold in the chart's values", "a budget of 302 s"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := seen(runs(0, nil), killed, func(r *Rollout) { r.Fields = test.fields }).Judge().Problem
			if got == nil || !strings.Contains(got.Evidence, "within 302 s") {
				t.Fatalf("got %v", got)
			}
			for _, part := range test.want {
				if !strings.Contains(got.NextMove, part) {
					t.Errorf("%q is not in %q", part, got.NextMove)
				}
			}
		})
	}
}

func TestAWaitRemembersWhenAContainerPassedItsStartupProbe(t *testing.T) {
	r := seen(startedAgo(0))
	passed, later := map[string]time.Time{}, now.Add(time.Minute)
	MarkPassed(passed, r.Pods, now)
	MarkPassed(passed, r.Pods, later)
	r.Pods[0].Status.ContainerStatuses[0].RestartCount++ // another run starts anew
	MarkPassed(passed, r.Pods, later)
	want := map[string]time.Time{"new-1/wso2is/0": now, "new-1/wso2is/1": later}
	if diff := cmp.Diff(want, passed); diff != "" {
		t.Error(diff)
	}
}

func TestTheDeadlineSaysThatReadinessNeverCame(t *testing.T) {
	if got := seen(startedAgo(time.Minute)).Judge().Pending; got == nil || got.Reason != ReasonReadiness {
		t.Errorf("got %v", got)
	}
	if got := seen(runs(0, nil)).Judge().Pending; got != nil {
		t.Errorf("a container that starts: %v", got)
	}
}

func TestEvidenceIsTheNewestFewWarningsOldestFirst(t *testing.T) {
	r := seen()
	for i, reason := range []string{"A", "B", "C", "D", "E", "F"} {
		happened("new-1", reason, "message\nsecond line", int32(i+1), time.Minute, time.Minute-time.Duration(i)*time.Second)(&r)
	}
	want := "event B: message (2 times)\nevent C: message (3 times)\nevent D: message (4 times)\nevent E: message (5 times)\nevent F: message (6 times)"
	if got := r.Events.evidence(); got != want {
		t.Errorf("got:\n%s", got)
	}
}
