package cluster

import (
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// knobs are where the environment file says what a workload is, for next moves that name what to change there.
type knobs struct {
	values string        // the path below which the chart's values for the workload's pods are, as apiManager.values.wso2.deployment
	limit  string        // the path of the wait's time limit, as timeouts.apiManager
	time   time.Duration // that limit
}

// value is the path of one of the chart's values.
func (k knobs) value(name string) string {
	if k.values == "" {
		return name + " in the chart's values"
	}
	return k.values + "." + name
}

// startupMove says which value gives a container more time to start, and how much it has now.
func (k knobs) startupMove(probe *corev1.Probe) string {
	const slow = "if its log shows a start that is merely slow, raise "
	if probe == nil {
		return slow + k.value("startupProbe.failureThreshold")
	}
	if k.limit != "" && probe.PeriodSeconds > 0 && probe.FailureThreshold == int32(math.Ceil(k.time.Seconds()/float64(probe.PeriodSeconds))) {
		return fmt.Sprintf("%s%s, which is %s now and from which startupProbe.failureThreshold follows", slow, k.limit, k.time)
	}
	return fmt.Sprintf("%s%s: it is %d now, which with periodSeconds %d and initialDelaySeconds %d makes a budget of %d s", slow,
		k.value("startupProbe.failureThreshold"), probe.FailureThreshold, probe.PeriodSeconds, probe.InitialDelaySeconds, budget(probe))
}

// budget is how many seconds a container has to pass a startup probe.
func budget(probe *corev1.Probe) int32 {
	return probe.InitialDelaySeconds + probe.PeriodSeconds*probe.FailureThreshold
}

func (k knobs) deadlineMove() string {
	if k.limit == "" {
		return "if it is merely slow, raise this step's time in timeouts; else correct what the events and the log show"
	}
	return fmt.Sprintf("if it is merely slow, raise %s, which is %s now; else correct what the events and the log show", k.limit, k.time)
}
