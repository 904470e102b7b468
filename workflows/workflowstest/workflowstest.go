// Package workflowstest stands in for all that operations act on, so that workflows and what starts them can be tried
// without a cluster.
package workflowstest

import (
	"context"
	"reflect"

	"go.temporal.io/sdk/activity"

	"lockstep/activities"
	"lockstep/config/settings"
	"lockstep/internal/attempt"
)

// Registry is a worker or a test environment.
type Registry interface {
	RegisterActivityWithOptions(any, activity.RegisterOptions)
}

// Register registers an activity under the name of each of Lockstep's that does nothing and answers the zero value, or does
// what instead has under that name. Only the check of the environment, which needs nothing but its input, is the real one.
func Register(r Registry, instead map[string]any) {
	real := reflect.ValueOf(activities.New(settings.Settings{}))
	for i := range real.NumMethod() {
		name := real.Type().Method(i).Name
		does := idle(real.Method(i).Type())
		switch {
		case instead[name] != nil:
			does = instead[name]
		case name == "CheckEnvironment":
			does = reported(real.Method(i))
		}
		r.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: name})
	}
}

// reported is an activity that ends as under a worker's interceptor.
func reported(activity reflect.Value) any {
	return reflect.MakeFunc(activity.Type(), func(in []reflect.Value) []reflect.Value {
		results := activity.Call(in)
		last := len(results) - 1
		err, _ := results[last].Interface().(error)
		told := reflect.New(activity.Type().Out(last)).Elem()
		if err = attempt.Report(in[0].Interface().(context.Context), err); err != nil {
			told.Set(reflect.ValueOf(err))
		}
		results[last] = told
		return results
	}).Interface()
}

// idle is a function of a type that answers zero values.
func idle(of reflect.Type) any {
	return reflect.MakeFunc(of, func([]reflect.Value) []reflect.Value {
		var results []reflect.Value
		for i := range of.NumOut() {
			results = append(results, reflect.Zero(of.Out(i)))
		}
		return results
	}).Interface()
}
