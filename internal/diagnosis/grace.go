package diagnosis

import "time"

// Grace: for how long, or how often, a state that often passes by itself is watched before it counts as a problem.
// docs/troubleshooting.md tells operators the same rules; change both together.
//
// At once counts what only a person changes: an image that the registry does not have or refuses, that is not for the
// node's platform, or whose name is none; a startup probe that ran out, since the kubelet has waited for all of it; a
// container out of memory; a paused rollout; a hook Job that failed. A crash counts when it repeats, and so does a kill by
// the liveness probe: one of them may be a hiccup.
const (
	pullTries         = 3                // failed pulls for another reason, as a network or an overloaded registry; with a kubelet's back-off half a minute
	pullGrace         = 2 * time.Minute  // the same, where the kubelet's events are not there to count
	crashTries        = 2                // restarts; CrashLoopBackOff counts before
	eventGrace        = 3 * time.Second  // events come after the state that they explain: who ended a container is only in them
	killGrace         = 10 * time.Second // the same for one that was killed: a busy kubelet's events come late
	mountGrace        = 5 * time.Second  // a Secret or ConfigMap that is made at the same time
	creationGrace     = 5 * time.Second  // a ReplicaSet's pods that are refused
	missingGrace      = 10 * time.Second // a Deployment that is made at the same time
	schedulingGrace   = 20 * time.Second // no node now, but one may be freed
	autoscaleGrace    = 5 * time.Minute  // a new node is on its way
	bindingGrace      = 20 * time.Second // a claim that nobody provisions for: a volume may be made by hand
	provisioningGrace = 3 * time.Minute  // a provisioner that works on it, or tries again
	nodeGrace         = time.Minute      // a node that restarts
	readinessGrace    = 5 * time.Minute  // from the passed startup probe to the first passed readiness probe; without a startup probe the deadline decides
	rejectedWindow    = 5 * time.Minute  // rejected pods older than this belong to another story
	rejectedMost      = 3                // that many rejected pods in the window are no accident
	crashWindow       = 10 * time.Minute // a restart older than this has nothing to do with the present wait
	oldPod            = 2 * time.Minute  // a pod older than the wait by this much has a past of its own
	invalidGrace      = 10 * time.Second // a Secret or parameter that a Gateway refers to and that comes at the same time
	controllerGrace   = time.Minute      // leader election after a gateway controller was lost
	addressGrace      = 30 * time.Second // a load balancer that has not even begun
	routeGrace        = 20 * time.Second // a route that is refused: its Service or Gateway may come at the same time
)

// Pace divides graces; 0 is 1.
type Pace float64

func (p Pace) of(grace time.Duration) time.Duration {
	if p <= 0 {
		return grace
	}
	return time.Duration(float64(grace) / float64(p))
}

// Moment is the time of a judgement. Graces never begin before the wait did: the cluster's clock may be behind the worker's.
type Moment struct {
	Now     time.Time
	Started time.Time // of the wait; zero for a single look
	Pace    Pace
}

// lasts says whether a state that began at start has lasted for the grace.
func (w Moment) lasts(start time.Time, grace time.Duration) bool {
	if start.Before(w.Started) {
		start = w.Started
	}
	return w.Now.Sub(start) >= w.Pace.of(grace)
}
