// Package attempt is what every attempt at an activity has around it, whatever it does: a lease on its task, heartbeats with its
// progress, an end that loses no time when the worker stops, and the form in which Temporal is told of a failure. All are interceptors
// of a worker.
package attempt

import "go.temporal.io/sdk/interceptor"

// Interceptors are those of a worker, from the outside in. Heartbeats need a connection that they listen on.
func Interceptors(heartbeats *Heartbeats, draining *Draining) []interceptor.WorkerInterceptor {
	return []interceptor.WorkerInterceptor{heartbeats, draining, &Failures{}}
}
