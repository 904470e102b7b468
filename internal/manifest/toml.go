package manifest

import (
	"crypto/sha256"
	"encoding/hex"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/config/deploymenttoml"
	"lockstep/internal/failure"
)

// DeploymentTOML is the key under which both charts keep a product's configuration in a ConfigMap.
const DeploymentTOML = "deployment.toml"

// EditTOML changes the deployment.toml of a ConfigMap, and refuses a result that the product's parser could not take or
// would take for something else. It gives the digest of the result. The charts' own checksum annotations are of the
// text before a change.
func EditTOML(configMap *unstructured.Unstructured, change func(text string) string) (digest string, err error) {
	text, _, err := unstructured.NestedString(configMap.Object, "data", DeploymentTOML)
	if err != nil {
		return "", mending(configMap, err)
	}
	text = change(text)
	if problems := deploymenttoml.Lint(text); len(problems) > 0 {
		return "", failure.Final(failure.InvalidConfig, "%s in ConfigMap %s would not work: %w", DeploymentTOML, configMap.GetName(), config.Problems(problems))
	}
	if err := unstructured.SetNestedField(configMap.Object, text, "data", DeploymentTOML); err != nil {
		return "", mending(configMap, err)
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

// WithTOML are the ConfigMaps that hold a deployment.toml.
func WithTOML(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, object := range OfKind(objects, "ConfigMap") {
		if _, has, _ := unstructured.NestedString(object.Object, "data", DeploymentTOML); has {
			found = append(found, object)
		}
	}
	return found
}
