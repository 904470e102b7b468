package component

import (
	"time"

	"lockstep/config"
	"lockstep/internal/gateway"
	"lockstep/internal/keystore"
)

// gatewayOf is the controller of the gateway. Its pods do not mount the stores: the certificates of the listeners are theirs.
func gatewayOf(env config.Environment) Component {
	r := env.Routing
	return Component{
		Kind: Gateway, Title: "the gateway", Release: r.Release, Namespace: r.Namespace, Installs: r.Installs(), Shared: true,
		Field: "gateway", Chart: r.Chart,
		Values:      func(Found) (map[string]any, error) { return gateway.Values(env), nil },
		HookObjects: gateway.HookObjects(env),
		Deployments: []string{gateway.Deployment}, DeploymentsField: "gateway.values.deployment",
		Stores:  keystore.Listeners(env),
		Timeout: time.Duration(env.Timeouts.Gateway), TimeoutField: "timeouts.gateway",
		values: func(e *config.Environment) *config.Values { return &e.Routing.Values },
	}
}
