package chartvalues

import (
	"fmt"
	"strconv"
	"strings"

	"lockstep/config"
)

// ownedValue is a chart value that Lockstep sets itself.
type ownedValue struct {
	key     string
	value   string // what Lockstep sets or leaves; the user may repeat it
	instead string // the next move
}

// atRunTime stands for a value that is known only when the chart is installed, and is never empty.
const atRunTime = "\x00"

// checkOwnedValues refuses overrides that would set one product at odds with what Lockstep made: names, stores, images.
// Empty values and nulls are overrides too, and so is whatever stands in the place of a map with such a value in it.
// Literal secrets are left to checkSecretsInValues, keystore names to checkKeystoreNames.
func checkOwnedValues(e config.Environment) (found problems) {
	found.owned("identityServer", e.IdentityServer.Values, ownedByIS(e))
	found.owned("apiManager", e.APIManager.Values, ownedByAPIM(e))
	return append(found, checkBuildVersion(e)...)
}

func (p *problems) owned(part string, values config.Values, all []ownedValue) {
	reported := map[string]bool{}
	for _, owned := range all {
		if key, problem := owned.overridden(values); problem != nil && !reported[key] {
			reported[key] = true
			problem.Path = part + ".values." + key
			*p = append(*p, *problem)
		}
	}
}

// overridden says where values take the place of the owned one: at its key, or at a parent of it that is no map.
func (o ownedValue) overridden(values config.Values) (key string, problem *config.Problem) {
	if parent := values.NotMap(o.key); parent != "" {
		return parent, &config.Problem{Message: "is not a map: Lockstep sets values below it, as " + o.key, Next: "remove it, or write a map"}
	}
	value, given := values.Lookup(o.key)
	text := values.Text(o.key)
	if !given || text == o.value || isSecret(o.key, value) {
		return "", nil
	}
	message := "is set by Lockstep"
	if o.value != atRunTime && o.value != "" {
		message += " to " + strconv.Quote(o.value)
	}
	if text == "" {
		message = "is empty, but " + message
	}
	return o.key, &config.Problem{Value: short(text), Message: message, Next: o.instead}
}

func short(text string) string {
	if len(text) > 60 || strings.HasPrefix(text, "map[") {
		return ""
	}
	return text
}

func ownedByIS(e config.Environment) []ownedValue {
	const stores = "remove it: Lockstep makes the key stores, with your own CA if certificates.ca names one"
	const route = "remove it: Lockstep routes hostnames.keyManager to Identity Server on the environment's Gateway"
	owned := []ownedValue{
		{"fullnameOverride", "", "remove it and set identityServer.release"},
		{"nameOverride", "", "remove it and set identityServer.release"},
		{"deployment.ingress.hostName", e.Hostnames.KeyManager, "remove it and set hostnames.keyManager"},
		{"deployment.gateway.hostName", e.Hostnames.KeyManager, "remove it and set hostnames.keyManager"},
		{"deployment.gateway.enabled", "false", route},
		{"deployment.image.registry", atRunTime, "remove it and set image.target"},
		{"deployment.image.repository", atRunTime, "remove it and set image.target"},
		{"deployment.image.tag", atRunTime, "remove it and set image.target"},
		{"deployment.image.digest", atRunTime, "remove it and set image.target; Lockstep pins the digest of what it built"},
		{"deployment.replicas", fmt.Sprint(e.IdentityServer.Replicas), "remove it and set identityServer.replicas"},
		{"deployment.productPackName", "wso2is", "remove it: Lockstep reads it from the image"},
		{"deployment.externalJKS.enabled", "true", stores},
		{"deployment.externalJKS.secretName", "is-keystores", stores},
		{"deploymentToml.server.offset", "0", "remove it: Service, probes and routes expect port 9443"},
		{"deploymentToml.transport.https.properties.proxyPort", "443", "remove it: the port is part of the issuer, and the Gateway listens on 443"},
		{"deploymentToml.oauth.authorizeAllScopes", "true", "remove it: API Manager's tokens need it"},
		{"deploymentToml.superAdmin.createAdminAccount", "true", "remove it: API Manager uses this account"},
		{"deploymentToml.superAdmin.password", atRunTime, "remove it: Lockstep generates it, or takes adminPassword of credentials.secret"},
		{"deploymentToml.encryption.key", atRunTime, "remove it: Lockstep generates it, or takes isEncryptionKey of credentials.secret"},
		{"deploymentToml.truststore.fileName", "client-truststore.p12", stores},
		{"deploymentToml.truststore.type", "PKCS12", stores},
		{"deploymentToml.truststore.password", atRunTime, stores},
	}
	for _, store := range config.StoreNames() {
		key := "deploymentToml.keystore." + store + "."
		owned = append(owned, ownedValue{key + "type", "PKCS12", stores}, ownedValue{key + "alias", "wso2carbon", stores},
			ownedValue{key + "password", atRunTime, stores}, ownedValue{key + "keyPassword", atRunTime, stores})
	}
	return owned
}

func ownedByAPIM(e config.Environment) []ownedValue {
	const stores = "remove it: Lockstep makes the key stores, with your own CA if certificates.ca names one"
	const image = "remove it and set apiManager.image"
	const pull = "remove it and set image.pullSecret"
	const port = "remove it: Services, routes and probes expect the standard ports"
	const ca = "remove it: Lockstep writes the CA into ConfigMap wso2-ca-cert"
	const secret = "remove it: Lockstep points it at its Secret, or at yours in credentials.secret"
	owned := []ownedValue{
		{"fullnameOverride", "", "remove it and set apiManager.release"},
		{"nameOverride", "", "remove it and set apiManager.release"},
		{"kubernetes.gatewayAPI.enabled", "true", "remove it: Lockstep routes through Gateway API"},
		{"kubernetes.gatewayAPI.gatewayName", e.Routing.Gateway, "remove it and set routing.gateway"},
		{"kubernetes.gatewayAPI.management.hostname", e.Hostnames.Management, "remove it and set hostnames.management"},
		{"kubernetes.gatewayAPI.gateway.hostname", e.Hostnames.Gateway, "remove it and set hostnames.gateway"},
		{"kubernetes.gatewayAPI.websocket.hostname", e.Hostnames.WebSocket, "remove it and set hostnames.websocket"},
		{"kubernetes.gatewayAPI.websub.hostname", e.Hostnames.WebSub, "remove it and set hostnames.websub"},
		{"kubernetes.gatewayAPI.defaultConfigMapCreation", "false", ca + ". The ConfigMap of the chart has the same name, and the installation would fail (invalid ownership metadata)"},
		{"kubernetes.gatewayAPI.backendTLSPolicy.enabled", "true", "remove it: Envoy speaks TLS to API Manager"},
		{"kubernetes.gatewayAPI.backendTLSPolicy.caCertificateConfigMap", "wso2-ca-cert", ca},
		{"kubernetes.gatewayAPI.backendTLSPolicy.hostname", atRunTime, "remove it: Lockstep writes a name of the certificate it minted"},
		{"wso2.deployment.image.registry", atRunTime, image},
		{"wso2.deployment.image.repository", atRunTime, image},
		{"wso2.deployment.image.tag", atRunTime, image},
		{"wso2.deployment.image.digest", atRunTime, image},
		{"wso2.deployment.image.imagePullSecrets.enabled", "false", pull},
		{"wso2.deployment.image.imagePullSecrets.name", "", pull},
		{"wso2.deployment.highAvailability", fmt.Sprint(e.APIManager.Replicas > 1), "remove it and set apiManager.replicas: 2"},
		{"wso2.apim.portOffset", "0", port},
		{"wso2.apim.mountStartupScript", "false", "remove it: the chart's script is for older Java than the image has"},
		{config.APIMConfigurations + "iskm.enabled", "false", "remove it: Identity Server 7 cannot be the resident key manager"},
		{config.APIMConfigurations + "adminPassword", "", "remove it: Lockstep generates it, or takes adminPassword of credentials.secret"},
		{config.APIMConfigurations + "encryption.key", "", "remove it: Lockstep generates it, or takes apimEncryptionKey of credentials.secret"},
		{config.APIMConfigurations + "existingSecret.secretName", e.CredentialsSecret(), "remove it and set credentials.secret"},
		{config.APIMConfigurations + "existingSecret.adminPasswordKey", "adminPassword", secret},
		{config.APIMConfigurations + "existingSecret.encryptionKeyKey", "apimEncryptionKey", secret},
		{config.APIMConfigurations + "security.jksSecretName", "apim-keystore-secret", stores},
		{config.APIMConfigurations + "security.jksExistingSecret.secretName", e.CredentialsSecret(), secret},
		{config.APIMConfigurations + "security.truststore.name", "client-truststore.jks", stores},
		{config.APIMConfigurations + "security.truststore.password", "", stores},
	}
	for _, password := range []string{"primaryKeystore", "primaryKeystoreKey", "tlsKeystore", "tlsKeystoreKey", "internalKeystore",
		"internalKeystoreKey", "truststore"} {
		owned = append(owned, ownedValue{config.APIMConfigurations + "security.jksExistingSecret." + password + "PasswordKey", "keystorePassword", secret})
	}
	for _, store := range config.StoreNames() {
		key := config.APIMConfigurations + "security.keystores." + store + "."
		owned = append(owned, ownedValue{key + "enabled", "true", stores}, ownedValue{key + "alias", "wso2carbon", stores},
			ownedValue{key + "password", "", stores}, ownedValue{key + "keyPassword", "", stores})
	}
	return owned
}

// checkBuildVersion wants the chart to mount into the home that the image has.
func checkBuildVersion(e config.Environment) (found problems) {
	const key = "deployment.buildVersion"
	_, set := e.IdentityServer.Values.Lookup(key)
	given, base := e.IdentityServer.Values.Text(key), config.ImageVersion(e.Image.Base)
	switch {
	case set && given == "":
		found.Add("identityServer.values."+key, "", "is empty: the chart would mount the key stores where the server does not look",
			"remove it: Lockstep reads it from the image")
	case set && base != "" && given != base:
		found.Add("identityServer.values."+key, given, "is not the version of the base image, "+base+": the chart would mount the key stores into /home/wso2carbon/wso2is-"+given+", where the server does not look",
			"remove it: Lockstep reads it from the image")
	}
	return found
}
