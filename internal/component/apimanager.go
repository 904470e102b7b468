package component

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/keystore"
)

func apiManagerOf(env config.Environment) Component {
	p := env.APIManager
	return Component{
		Kind: APIManager, Title: "API Manager", Release: p.Release, Namespace: env.Namespace, Installs: true, Product: true,
		Field: "apiManager", Chart: p.Chart,
		Values: func(f Found) (map[string]any, error) {
			return apim.Values(env, apim.ChartInput{Reference: f.APIManager})
		},
		Mend: func(objects []*unstructured.Unstructured, pods Pods) error {
			return apim.Mend(objects, apim.MendInput{CredentialsSecret: env.CredentialsSecret(), KeystoreChecksum: pods.Checksum,
				Restart: pods.Restart, PullSecret: env.Image.PullSecret, UserEnv: p.Values.EnvReferences()})
		},
		Deployments: apim.Deployments(p.Release, p.Replicas), DeploymentsField: "apiManager.values.wso2.deployment",
		Signs:   carbonSigns(keystore.APIManager().Secret),
		Stores:  []keystore.Store{keystore.APIManager()},
		Timeout: time.Duration(env.Timeouts.APIManager), TimeoutField: "timeouts.apiManager",
		values: func(e *config.Environment) *config.Values { return &e.APIManager.Values },
	}
}
