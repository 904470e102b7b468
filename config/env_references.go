package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Environment variables that Lockstep gives to Identity Server's pods, from the credentials Secret. API Manager's chart
// sets its own.
const (
	AdminPasswordVariable    = "WSO2_ADMIN_PASSWORD"
	KeystorePasswordVariable = "WSO2_KEYSTORE_PASSWORD"
	EncryptionKeyVariable    = "WSO2_ENCRYPTION_KEY"
)

var envReference = regexp.MustCompile(`\$env\{([^}]*)\}`)

// EnvReferences are the names in $env{NAME} placeholders of the values, sorted. Each is a key of the Secret in
// [Credentials.Secret], unless its pods have the variable anyway: from Lockstep, the chart, the image or Kubernetes.
func (v Values) EnvReferences() []string {
	names := map[string]bool{}
	forIS, forAPIM := isVariables(), v.apimVariables()
	for path, value := range v.Leaves {
		has := forAPIM
		if strings.HasPrefix(path, "deploymentToml.") { // only Identity Server's chart has it
			has = forIS
		}
		for _, match := range envReference.FindAllStringSubmatch(fmt.Sprint(value), -1) {
			if !has[match[1]] {
				names[match[1]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// variables are those of all pods.
func variables(more ...string) map[string]bool {
	all := map[string]bool{}
	for _, name := range append(more, "NODE_IP", "JVM_MEM_OPTS", "JAVA_OPTS", "JAVA_HOME", "WSO2_SERVER_HOME", "HOSTNAME", "HOME", "PATH", "USER") {
		all[name] = true
	}
	return all
}

func isVariables() map[string]bool {
	return variables(AdminPasswordVariable, KeystorePasswordVariable, EncryptionKeyVariable)
}

// apimVariables are what the API Manager chart makes of existingSecret, jksExistingSecret and wso2.deployment.envs
// (wso2/helm-apim 4.7.x wso2am-deployment.yaml).
func (v Values) apimVariables() map[string]bool {
	all := []string{"WSO2_ADMIN_PASSWORD", "WSO2_ENCRYPTION_KEY", "WSO2_TRUSTSTORE_PASSWORD"}
	for _, store := range StoreNames() {
		prefix := "WSO2_" + strings.ToUpper(store) + "_KEYSTORE_"
		all = append(all, prefix+"PASSWORD", prefix+"KEY_PASSWORD")
	}
	for key, name := range map[string]string{"apimDBPasswordKey": "WSO2_APIM_DB_PASSWORD", "sharedDBPasswordKey": "WSO2_SHARED_DB_PASSWORD"} {
		if v.Text(APIMConfigurations+"existingSecret."+key) != "" {
			all = append(all, name)
		}
	}
	own, _ := v.Lookup("wso2.deployment.envs")
	envs, _ := own.(map[string]any)
	return variables(slices.AppendSeq(all, maps.Keys(envs))...)
}
