package config

import (
	"fmt"
	"strconv"
	"strings"
)

// ownedValue is a chart value that Lockstep sets itself.
type ownedValue struct {
	key     string
	value   string // what Lockstep sets; the user may repeat it. Empty: known only at run time
	instead string // the next move
}

// checkOwnedValues refuses overrides that would set one product at odds with what Lockstep made: names, stores, images.
// Literal secrets are left to checkSecretsInValues, keystore names to checkKeystoreNames.
func checkOwnedValues(e Environment) (found Problems) {
	for _, part := range []struct {
		name   string
		values Values
		owned  []ownedValue
	}{
		{"routing", e.Routing.Values, e.ownedByGateway()},
		{"identityServer", e.IdentityServer.Values, e.ownedByIS()},
		{"apiManager", e.APIManager.Values, e.ownedByAPIM()},
	} {
		for _, owned := range part.owned {
			value, given := part.values.lookup(owned.key)
			text := part.values.text(owned.key)
			if !given || text == "" || text == owned.value || isSecret(owned.key, value) {
				continue
			}
			message := "is set by Lockstep"
			if owned.value != "" {
				message += " to " + strconv.Quote(owned.value)
			}
			found.add(part.name+".values."+owned.key, short(text), message, owned.instead)
		}
	}
	return append(found, checkBuildVersion(e)...)
}

func short(text string) string {
	if len(text) > 60 || strings.HasPrefix(text, "map[") {
		return ""
	}
	return text
}

func (e Environment) ownedByGateway() []ownedValue {
	return []ownedValue{
		{"config.envoyGateway.gateway.controllerName", e.Routing.ControllerName, "remove it and set routing.controllerName"},
		{"createNamespace", "false", "remove it: Lockstep makes routing.namespace"},
	}
}

func (e Environment) ownedByIS() []ownedValue {
	const stores = "remove it: Lockstep mints the stores, from your own CA if certificates.ca names one"
	const route = "remove it: Lockstep routes hostnames.keyManager to Identity Server on the environment's Gateway"
	owned := []ownedValue{
		{"fullnameOverride", "", "remove it and set identityServer.release"},
		{"nameOverride", "", "remove it and set identityServer.release"},
		{"deployment.ingress.hostName", e.Hostnames.KeyManager, "remove it and set hostnames.keyManager"},
		{"deployment.gateway.hostName", e.Hostnames.KeyManager, "remove it and set hostnames.keyManager"},
		{"deployment.gateway.enabled", "false", route},
		{"deployment.image.registry", "", "remove it and set image.target"},
		{"deployment.image.repository", "", "remove it and set image.target"},
		{"deployment.image.tag", "", "remove it and set image.target"},
		{"deployment.image.digest", "", "remove it and set image.target; Lockstep pins the digest of what it built"},
		{"deployment.replicas", fmt.Sprint(e.IdentityServer.Replicas), "remove it and set identityServer.replicas"},
		{"deployment.productPackName", "wso2is", "remove it: Lockstep reads it from the image"},
		{"deployment.externalJKS.enabled", "true", stores},
		{"deployment.externalJKS.secretName", "is-keystores", stores},
		{"deploymentToml.server.offset", "0", "remove it: Service, probes and routes expect port 9443"},
		{"deploymentToml.transport.https.properties.proxyPort", "443", "remove it: it is part of the issuer, and the Gateway listens on 443"},
		{"deploymentToml.oauth.authorizeAllScopes", "true", "remove it: API Manager's tokens need it"},
		{"deploymentToml.superAdmin.createAdminAccount", "true", "remove it: API Manager uses this account"},
		{"deploymentToml.superAdmin.password", "", "remove it: Lockstep generates it, or takes adminPassword of credentials.secret"},
		{"deploymentToml.encryption.key", "", "remove it: Lockstep generates it, or takes isEncryptionKey of credentials.secret"},
		{"deploymentToml.truststore.fileName", "client-truststore.p12", stores},
		{"deploymentToml.truststore.type", "PKCS12", stores},
		{"deploymentToml.truststore.password", "", stores},
	}
	for _, store := range storeNames() {
		key := "deploymentToml.keystore." + store + "."
		owned = append(owned, ownedValue{key + "type", "PKCS12", stores}, ownedValue{key + "alias", "wso2carbon", stores},
			ownedValue{key + "password", "", stores}, ownedValue{key + "keyPassword", "", stores})
	}
	return owned
}

func (e Environment) ownedByAPIM() []ownedValue {
	const stores = "remove it: Lockstep mints the stores, from your own CA if certificates.ca names one"
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
		{"kubernetes.gatewayAPI.defaultConfigMapCreation", "false", ca + ", and the chart's ConfigMap of the same name would clash with it (invalid ownership metadata)"},
		{"kubernetes.gatewayAPI.backendTLSPolicy.enabled", "true", "remove it: Envoy speaks TLS to API Manager"},
		{"kubernetes.gatewayAPI.backendTLSPolicy.caCertificateConfigMap", "wso2-ca-cert", ca},
		{"kubernetes.gatewayAPI.backendTLSPolicy.hostname", "", "remove it: Lockstep writes a name of the certificate it minted"},
		{"wso2.deployment.image.registry", "", image},
		{"wso2.deployment.image.repository", "", image},
		{"wso2.deployment.image.tag", "", image},
		{"wso2.deployment.image.digest", "", image},
		{"wso2.deployment.image.imagePullSecrets.enabled", "", pull},
		{"wso2.deployment.image.imagePullSecrets.name", "", pull},
		{"wso2.deployment.highAvailability", fmt.Sprint(e.APIManager.Replicas > 1), "remove it and set apiManager.replicas: 2"},
		{"wso2.apim.portOffset", "0", port},
		{"wso2.apim.mountStartupScript", "false", "remove it: the chart's script is for older Java than the image has"},
		{apimPrefix + "iskm.enabled", "false", "remove it: Identity Server 7 cannot be the resident key manager"},
		{apimPrefix + "adminPassword", "", "remove it: Lockstep generates it, or takes adminPassword of credentials.secret"},
		{apimPrefix + "encryption.key", "", "remove it: Lockstep generates it, or takes apimEncryptionKey of credentials.secret"},
		{apimPrefix + "existingSecret.secretName", e.CredentialsSecret(), "remove it and set credentials.secret"},
		{apimPrefix + "existingSecret.adminPasswordKey", "adminPassword", secret},
		{apimPrefix + "existingSecret.encryptionKeyKey", "apimEncryptionKey", secret},
		{apimPrefix + "security.jksSecretName", "apim-keystore-secret", stores},
		{apimPrefix + "security.jksExistingSecret.secretName", e.CredentialsSecret(), secret},
		{apimPrefix + "security.truststore.name", "client-truststore.jks", stores},
		{apimPrefix + "security.truststore.password", "", stores},
	}
	for _, store := range storeNames() {
		key := apimPrefix + "security.keystores." + store + "."
		owned = append(owned, ownedValue{key + "enabled", "true", stores}, ownedValue{key + "alias", "wso2carbon", stores},
			ownedValue{key + "password", "", stores}, ownedValue{key + "keyPassword", "", stores})
	}
	return owned
}

// checkBuildVersion wants the chart to mount into the home that the image has.
func checkBuildVersion(e Environment) (found Problems) {
	const key = "deployment.buildVersion"
	given, base := e.IdentityServer.Values.text(key), versionOf(e.Image.Base)
	if given != "" && base != "" && given != base {
		found.add("identityServer.values."+key, given, "is not the version of the base image, "+base+": the chart would mount the stores into /home/wso2carbon/wso2is-"+given+", where the server does not look",
			"remove it: Lockstep reads it from the image")
	}
	return found
}
