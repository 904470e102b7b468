package validation

import (
	"maps"
	"slices"

	"lockstep/config"
	"lockstep/config/chartvalues"
)

// Controller says what is wrong with the gateway controller of a cluster, to which [config.Controller.Default] was applied. Paths begin
// with gateway, as in the cluster's file.
func Controller(c config.Controller) config.Problems {
	var found problems
	found.fields(config.FieldsOf(c, "gateway"))
	found.notKubernetes("gateway.namespace", c.Namespace)
	found.label("gateway.release", c.Release, helmReleaseMax)
	if !controllerName.MatchString(c.ControllerName) {
		found.Add("gateway.controllerName", c.ControllerName, "is not a controller name: it must have the form domain/path",
			"write "+config.DefaultController+", or the name in the documentation of your gateway")
	}
	chart := chartField{"gateway.chart", c.Chart, config.DefaultGatewayVersion}
	found = append(found, chart.checkSource()...)
	found = append(found, chart.checkVersion()...)
	found = append(found, chart.checkPins()...)
	for _, key := range slices.Sorted(maps.Keys(c.ServiceAnnotations)) {
		if key == "" {
			found.Add("gateway.serviceAnnotations", "", "has an annotation without a name", "write its name, or remove it")
		}
	}
	return append(config.Problems(found), chartvalues.CheckController(c)...)
}

// ControllerWarnings are what works, but not as everybody expects.
func ControllerWarnings(c config.Controller) []config.Problem {
	found := config.Problems(chartvalues.WarnController(c))
	if !c.Installs() && len(c.Values) > 0 {
		found.Add("gateway.values", "", "has no effect, because gateway.install is false", "remove it, or set gateway.install: true")
	}
	return found
}
