package apim

import (
	"time"

	"lockstep/config"
	"lockstep/internal/failure"
	"lockstep/internal/keystore"
	"lockstep/internal/manifest"
)

const (
	startupPeriod   = 2 * time.Second
	readinessPeriod = 5 * time.Second
	// caConfigMap holds the certificate of the CA under ca.crt, for the Gateway.
	caConfigMap = "wso2-ca-cert"
)

// ChartInput is what the values follow from beside the environment.
type ChartInput struct {
	// Reference is the image to run, as registry/path@sha256:… Empty: the environment's, by its tag.
	Reference string
}

// Values composes the values of the wso2am-all-in-one chart (4.7.x): an all-in-one node, or a pair of them with two
// replicas, behind the environment's Gateway; then the user's values over them. No secret is in them: the chart takes
// references. The chart's own values cannot be installed alone (no image, no gateway name, no databases).
func Values(env config.Environment, in ChartInput) (map[string]any, error) {
	if err := manifest.CheckNames(env.APIManager.Values); err != nil {
		return nil, failure.Final(failure.InvalidConfig, "composing values of API Manager: %w", err)
	}
	reference := in.Reference
	if reference == "" {
		reference = env.APIManager.Image
	}
	if reference == "" {
		reference = config.DefaultAPIMImage
	}
	image, err := manifest.ParseImage(reference)
	if err != nil {
		return nil, failure.Final(failure.InvalidConfig, "composing values of API Manager: %w", err)
	}
	own := map[string]any{
		"kubernetes": map[string]any{"gatewayAPI": gatewayAPI(env)},
		"wso2": map[string]any{
			"apim":       map[string]any{"configurations": configurations(env)},
			"deployment": deployment(env, image),
		},
	}
	return config.MergeValues(own, env.APIManager.Values), nil
}

func gatewayAPI(env config.Environment) map[string]any {
	route := func(host string) map[string]any { return map[string]any{"enabled": true, "hostname": host} }
	return map[string]any{
		"enabled":     true,
		"gatewayName": env.Routing.Gateway,
		// The chart would make its ConfigMap of the product's default certificate.
		"defaultConfigMapCreation": false,
		"management":               route(env.Hostnames.Management),
		"gateway":                  route(env.Hostnames.Gateway),
		"websocket":                route(env.Hostnames.WebSocket),
		"websub":                   route(env.Hostnames.WebSub),
		"backendTLSPolicy": map[string]any{"enabled": true, "caCertificateConfigMap": caConfigMap,
			"hostname": Service(env) + "." + env.Namespace + ".svc"},
		// A kind of Envoy Gateway, so only with that controller.
		"backendTrafficPolicy": map[string]any{"enabled": env.Routing.IsEnvoyGateway()},
	}
}

func deployment(env config.Environment, image manifest.Image) map[string]any {
	limit := time.Duration(env.Timeouts.APIManager)
	// The chart's "50%" of one pod is that pod, so no node that runs it could ever be drained. The chart quotes the value,
	// and a quoted number is no percentage to Kubernetes.
	available := "0%"
	if env.APIManager.Replicas > 1 {
		available = "50%"
	}
	return map[string]any{
		"highAvailability": env.APIManager.Replicas > 1,
		"minAvailable":     available,
		// A digest wins over the tag in the chart; without one it must be empty.
		"image": map[string]any{"registry": image.Registry, "repository": image.Repository, "tag": image.Tag,
			"digest": image.Digest, "imagePullPolicy": "IfNotPresent"},
		"startupProbe": map[string]any{"initialDelaySeconds": 2, "periodSeconds": int(startupPeriod.Seconds()),
			"failureThreshold": manifest.Tries(limit, startupPeriod)},
		"readinessProbe": map[string]any{"initialDelaySeconds": 2, "periodSeconds": int(readinessPeriod.Seconds())},
	}
}

func configurations(env config.Environment) map[string]any {
	return map[string]any{
		"adminUsername": env.Credentials.AdminUsername,
		"existingSecret": map[string]any{"secretName": env.CredentialsSecret(), "adminPasswordKey": "adminPassword",
			"encryptionKeyKey": "apimEncryptionKey"},
		"databases":    databases(),
		"security":     security(env),
		"gateway":      map[string]any{"environments": []any{gatewayEnvironment(env)}},
		"oauth_config": map[string]any{"oauth2JWKSUrl": "https://" + Service(env) + ":9443/oauth2/jwks"},
	}
}

// databases are the product's embedded ones, whose files live and die with the pod. Their password is the product's
// well-known one: nothing outside the pod can reach them.
func databases() map[string]any {
	h2 := func(file string) map[string]any {
		return map[string]any{"url": "jdbc:h2:./repository/database/" + file + ";DB_CLOSE_ON_EXIT=FALSE",
			"username": "wso2carbon", "password": "wso2carbon"}
	}
	return map[string]any{
		"type":      "h2",
		"jdbc":      map[string]any{"driver": "org.h2.Driver"},
		"apim_db":   h2("WSO2AM_DB"),
		"shared_db": h2("WSO2SHARED_DB"),
	}
}

// security has three stores with three names: the chart mounts each by its name.
func security(env config.Environment) map[string]any {
	store := func(file string) map[string]any {
		return map[string]any{"enabled": true, "name": file, "alias": keystore.Alias, "password": "", "keyPassword": ""}
	}
	const password = "keystorePassword"
	return map[string]any{
		"jksSecretName": keystore.APIMSecret,
		"jksExistingSecret": map[string]any{
			"secretName":                 env.CredentialsSecret(),
			"primaryKeystorePasswordKey": password, "primaryKeystoreKeyPasswordKey": password,
			"tlsKeystorePasswordKey": password, "tlsKeystoreKeyPasswordKey": password,
			"internalKeystorePasswordKey": password, "internalKeystoreKeyPasswordKey": password,
			"truststorePasswordKey": password,
		},
		"keystores":  map[string]any{"primary": store(keystore.PrimaryJKS), "tls": store(keystore.TLSJKS), "internal": store(keystore.InternalJKS)},
		"truststore": map[string]any{"name": keystore.TruststoreJKS, "password": ""},
	}
}

// gatewayEnvironment is the gateway built into each node. It is given whole, as Helm replaces lists.
func gatewayEnvironment(env config.Environment) map[string]any {
	return map[string]any{
		"name": "Default", "type": "hybrid", "gatewayType": "Regular", "provider": "wso2",
		"description":         "Handles both production and sandbox traffic.",
		"displayInApiConsole": true, "showAsTokenEndpointUrl": true,
		"serviceName": "localhost", "servicePort": 9443,
		"httpHostname": env.Hostnames.Gateway, "wsHostname": env.Hostnames.WebSocket, "websubHostname": env.Hostnames.WebSub,
	}
}
