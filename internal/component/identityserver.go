package component

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/identity"
	"lockstep/internal/keystore"
)

func identityServerOf(env config.Environment) Component {
	p := env.IdentityServer
	return Component{
		Kind: IdentityServer, Title: "Identity Server", Release: p.Release, Namespace: env.Namespace, Installs: true, Product: true,
		Field: "identityServer", Chart: p.Chart,
		Values: func(f Found) (map[string]any, error) {
			return identity.Values(env, identity.ChartInput{Reference: f.IdentityServer, Version: f.Version, Home: f.Home})
		},
		Mend: func(objects []*unstructured.Unstructured, pods Pods) error {
			return identity.Mend(objects, identity.MendInput{CredentialsSecret: env.CredentialsSecret(), KeystoreChecksum: pods.Checksum,
				Restart: pods.Restart, PullSecret: env.Image.PullSecret, UserEnv: p.Values.EnvReferences()})
		},
		Deployments: []string{identity.Fullname(p.Release)}, DeploymentsField: "identityServer.values.deployment",
		Signs:   carbonSigns(keystore.IdentityServer().Secret),
		Stores:  []keystore.Store{keystore.IdentityServer()},
		Timeout: time.Duration(env.Timeouts.IdentityServer), TimeoutField: "timeouts.identityServer",
		values: func(e *config.Environment) *config.Values { return &e.IdentityServer.Values },
	}
}
