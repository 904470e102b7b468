package diagnosis

import (
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Fields are the fields of the environment file that say what a workload is, for next moves that name what to change there.
type Fields struct {
	Values string        // the path below which the chart's values for the workload's pods are, as apiManager.values.wso2.deployment
	Limit  string        // the path of the wait's time limit, as timeouts.apiManager
	Time   time.Duration // that limit
}

// value is the path of one of the chart's values.
func (f Fields) value(name string) string {
	if f.Values == "" {
		return name + " in the chart's values"
	}
	return f.Values + "." + name
}

// startupMove says which value gives a container more time to start, and how much it has now.
func (f Fields) startupMove(probe *corev1.Probe) string {
	const slow = "if its log shows a start that is merely slow, raise "
	if probe == nil {
		return slow + f.value("startupProbe.failureThreshold")
	}
	if f.Limit != "" && probe.PeriodSeconds > 0 && probe.FailureThreshold == int32(math.Ceil(f.Time.Seconds()/float64(probe.PeriodSeconds))) {
		return fmt.Sprintf("%s%s, which is %s now and from which startupProbe.failureThreshold follows", slow, f.Limit, f.Time)
	}
	return fmt.Sprintf("%s%s: it is %d now, which with periodSeconds %d and initialDelaySeconds %d makes a budget of %d s", slow,
		f.value("startupProbe.failureThreshold"), probe.FailureThreshold, probe.PeriodSeconds, probe.InitialDelaySeconds, budget(probe))
}

// budget is how many seconds a container has to pass a startup probe.
func budget(probe *corev1.Probe) int32 {
	return probe.InitialDelaySeconds + probe.PeriodSeconds*probe.FailureThreshold
}

func (f Fields) deadlineMove() string {
	if f.Limit == "" {
		return "if it is merely slow, raise this step's time in timeouts; else correct what the events and the log show"
	}
	return fmt.Sprintf("if it is merely slow, raise %s, which is %s now; else correct what the events and the log show", f.Limit, f.Time)
}
