package chartvalues

import "lockstep/config"

// gateway is the part of a cluster's file with the values of the gateway chart.
const gateway = "gateway"

// CheckController says what is wrong with the values of a cluster's gateway chart.
func CheckController(c config.Controller) config.Problems {
	var found problems
	values := part{name: gateway, values: c.Values}
	found.secrets(values)
	found.owned(gateway, c.Values, ownedByGateway(c))
	found.ignored(values, gatewayIgnores())
	return config.Problems(found)
}

// WarnController is what works, but not as everybody expects.
func WarnController(c config.Controller) []config.Problem {
	var found problems
	if registry := c.Values.Text("global.imageRegistry"); registry != "" {
		found.Add("gateway.values.global.imageRegistry", registry, "replaces the first part of each image name: a name without a registry host loses its organisation",
			"write a registry host in global.images.envoyGateway.image, or use a mirror")
	}
	return found
}

func ownedByGateway(c config.Controller) []ownedValue {
	return []ownedValue{
		{"config.envoyGateway.gateway.controllerName", c.ControllerName, "remove it and set gateway.controllerName"},
		{"createNamespace", "false", "remove it: Lockstep makes gateway.namespace"},
	}
}
