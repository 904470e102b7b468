package apim

import (
	"fmt"

	"lockstep/config"
)

// Fullname is what the wso2am-all-in-one chart starts the names of a release's objects with. It is the chart's rule as
// long as the values set neither fullnameOverride nor nameOverride.
func Fullname(release string) string { return config.FullName(release, "wso2am-all-in-one") }

// Service is the name of the Service over all nodes of API Manager.
func Service(env config.Environment) string { return Fullname(env.APIManager.Release) + "-am-service" }

// Deployments are the names of a release's Deployments: one per node.
func Deployments(release string, replicas int) []string {
	var names []string
	for node := 1; node <= max(1, replicas); node++ {
		names = append(names, fmt.Sprintf("%s-am-deployment-%d", Fullname(release), node))
	}
	return names
}

// Routes are the names of a release's HTTPRoutes, in listener order.
func Routes(release string) []string {
	var names []string
	for _, listener := range []string{"management", "gateway", "websocket", "websub"} {
		names = append(names, Fullname(release)+"-"+listener+"-httproute")
	}
	return names
}

// URL is where API Manager's REST APIs are reached inside the cluster.
func URL(env config.Environment) string {
	return "https://" + Service(env) + "." + env.Namespace + ".svc:9443"
}

// NotificationURL is where Identity Server tells API Manager of revoked tokens. It must be a name in API Manager's
// certificate: the sender verifies it.
func NotificationURL(env config.Environment) string {
	return "https://" + Service(env) + "." + env.Namespace + ".svc.cluster.local:9443/internal/data/v1/notify"
}
