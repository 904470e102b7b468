package readiness

import (
	"time"

	"lockstep/internal/diagnosis"
	"lockstep/internal/podlog"
)

// Option sharpens the diagnosis of a wait.
type Option func(*options)

type options struct {
	fields     diagnosis.Fields
	pace       diagnosis.Pace
	dataPlane  string
	controller string
	signs      []podlog.Sign
}

// ValuesAt is the path in the environment file below which the chart's values for the workload's pods are, as
// apiManager.values.wso2.deployment. Next moves then name the fields to change by their full paths.
func ValuesAt(path string) Option {
	return func(o *options) { o.fields.Values = path }
}

// LimitedBy is the field of the environment file that sets the wait's time limit, and that limit. Where a startup probe's
// threshold follows from it, it is what a next move names.
func LimitedBy(path string, limit time.Duration) Option {
	return func(o *options) { o.fields.Limit, o.fields.Time = path, limit }
}

// Pace divides the times for which a state may last before it counts as a problem: for a cluster whose kubelet is that
// much faster than a real one, as the sandbox's may be.
func Pace(factor float64) Option {
	return func(o *options) { o.pace = diagnosis.Pace(factor) }
}

// DataPlaneIn is the namespace in which a Gateway's controller makes its data plane. Without it, Services of all namespaces are read.
func DataPlaneIn(namespace string) Option {
	return func(o *options) { o.dataPlane = namespace }
}

// MadeBy is the Deployment of the Gateway's controller, in the namespace of DataPlaneIn: the wait goes on until the data plane is that
// controller's, not an earlier one's.
func MadeBy(controller string) Option {
	return func(o *options) { o.controller = controller }
}

// EndsWith are lines of a container's log after which it is never ready: the wait ends as soon as one is there, with what it means.
func EndsWith(signs ...podlog.Sign) Option {
	return func(o *options) { o.signs = signs }
}

func optionsOf(given []Option) options {
	var all options
	for _, option := range given {
		option(&all)
	}
	return all
}
