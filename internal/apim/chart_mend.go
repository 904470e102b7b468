package apim

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/manifest"
)

// MendInput is what the chart cannot be told by values.
type MendInput struct {
	// KeystoreChecksum changes with the stores' Secret. The server copies them when it starts, so a change restarts it.
	KeystoreChecksum string
	// PullSecret lets the pods pull the image; empty: none. (The chart has a value for it only since 4.7.0-1 was published.)
	PullSecret string
}

// Mend completes the rendered chart, in place: pods restart when the stores change and pull with the environment's
// Secret. It refuses a configuration or mounts with which the server would not start.
func Mend(objects []*unstructured.Unstructured, in MendInput) error {
	deployments := manifest.OfKind(objects, "Deployment")
	if len(deployments) == 0 {
		return fmt.Errorf("mending API Manager: the chart renders no Deployment: use the wso2am-all-in-one chart")
	}
	for _, config := range manifest.WithTOML(objects) {
		if _, err := manifest.EditTOML(config, func(text string) string { return text }); err != nil {
			return err
		}
	}
	for _, pods := range deployments {
		for _, err := range []error{
			manifest.CheckMounts(pods),
			manifest.PullWith(pods, in.PullSecret),
			manifest.AnnotatePods(pods, "lockstep.dev/checksum-keystores", in.KeystoreChecksum),
		} {
			if err != nil {
				return err
			}
		}
	}
	return nil
}
