package apim

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/failure"
	"lockstep/internal/manifest"
)

// MendInput is what the chart cannot be told by values.
type MendInput struct {
	// KeystoreChecksum changes with the stores' Secret. The server copies them when it starts, so a change restarts it.
	KeystoreChecksum string
	// Restart is when the pods were last to be restarted; empty: never.
	Restart string
	// PullSecret lets the pods pull the image; empty: none. (The chart has a value for it only since 4.7.0-1 was published.)
	PullSecret string
	// CredentialsSecret holds what UserEnv names.
	CredentialsSecret string
	// UserEnv are the names in the user's own $env{NAME} placeholders: each becomes a variable with that key of CredentialsSecret.
	UserEnv []string
}

// Mend completes the rendered chart, in place: pods restart when the stores change, pull with the environment's
// Secret and get the variables that the user's values refer to, but for those that the chart sets itself. It refuses a configuration or mounts with which the server would not start.
func Mend(objects []*unstructured.Unstructured, in MendInput) error {
	deployments := manifest.OfKind(objects, "Deployment")
	if len(deployments) == 0 {
		return failure.Final(failure.InvalidConfig, "the chart of API Manager renders no Deployment: use the wso2am-all-in-one chart")
	}
	for _, config := range manifest.WithTOML(objects) {
		if _, err := manifest.EditTOML(config, func(text string) string { return text }); err != nil {
			return err
		}
	}
	var variables []manifest.Variable
	for _, name := range in.UserEnv {
		variables = append(variables, manifest.Variable{Name: name, Secret: in.CredentialsSecret, Key: name})
	}
	for _, pods := range deployments {
		for _, err := range []error{
			manifest.CheckMounts(pods),
			manifest.SetEnv(pods, variables...),
			manifest.PullWith(pods, in.PullSecret),
			manifest.AnnotatePods(pods, "lockstep.dev/checksum-keystores", in.KeystoreChecksum),
			manifest.RestartedAt(pods, in.Restart),
		} {
			if err != nil {
				return err
			}
		}
	}
	return nil
}
