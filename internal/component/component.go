// Package component says what an environment is made of: a row for every Helm release, with all that operations have to know of it.
// Whoever adds a component adds a file with its row, and the row to [Of].
package component

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/keystore"
	"lockstep/internal/podlog"
)

// Kinds of components. There may be several of a kind, which their instance tells apart.
const (
	Gateway        = "gateway"
	IdentityServer = "identity-server"
	APIManager     = "api-manager"
)

// Component is one Helm release of an environment.
type Component struct {
	Kind string
	// Instance tells components of a kind apart. It is empty for the only one.
	Instance string
	// Title is how people call it, as "Identity Server".
	Title string

	// Release and Namespace are where Helm has it.
	Release, Namespace string
	// Installs is false for one that is not Lockstep's to install.
	Installs bool
	// Shared says whether other environments may use it: then its release may be of another one, and it is removed only once nobody
	// uses it.
	Shared bool
	// Product says whether it is one of WSO2's: it mounts its stores, starts anew when they change, and is called by the others.
	Product bool

	// Field of the environment file says what it is, as "identityServer".
	Field string
	Chart config.Chart
	// Values are those that the chart gets, the user's over Lockstep's own.
	Values func(Found) (map[string]any, error)
	// Mend changes rendered objects in what no value of the chart can express. It may be nil.
	Mend func([]*unstructured.Unstructured, Pods) error
	// HookObjects are what the chart's hooks make, and Helm leaves behind.
	HookObjects []cluster.Ref

	// Deployments are its workloads, which the field DeploymentsField of the environment file describes.
	Deployments      []string
	DeploymentsField string
	// Signs are lines of its log after which it is never ready, though its process may live on.
	Signs []podlog.Sign
	// Stores are the Secrets with its certificates. A product has one, which its pods mount.
	Stores []keystore.Store

	// Timeout is how long it may take to become ready, from the field TimeoutField of the environment file.
	Timeout      time.Duration
	TimeoutField string

	// values is where the user's own chart values are in an environment. It is nil if there are none.
	values func(*config.Environment) *config.Values
}

// Found is what earlier steps of a deployment found out, and charts are told.
type Found struct {
	// IdentityServer is the image that was built: repository@digest, the server's version and its home in the image.
	IdentityServer, Version, Home string
	// APIManager is its image, as repository@digest.
	APIManager string
}

// Pods is what is not known before the stores are there, and makes pods start anew when it changes.
type Pods struct {
	// Checksum is over the component's stores.
	Checksum string
	// Restart is the moment of the last restart that somebody asked for; empty if nobody did.
	Restart string
}

// Name is the component's name in inputs of activities, and that of the step that deploys it.
func (c Component) Name() string {
	if c.Instance == "" {
		return c.Kind
	}
	return c.Kind + "-" + c.Instance
}

// Of gives the components of an environment, in the order in which they are installed.
func Of(env config.Environment) []Component {
	return []Component{gatewayOf(env), identityServerOf(env), apiManagerOf(env)}
}

// Find gives the component of a name.
func Find(env config.Environment, name string) (Component, error) {
	all := Of(env)
	i := slices.IndexFunc(all, func(c Component) bool { return c.Name() == name })
	if i < 0 {
		return Component{}, failure.Final(failure.InvalidConfig, "component %q is none of %s", name, strings.Join(Names(all), ", "))
	}
	return all[i], nil
}

// Installed gives the components that Lockstep installs.
func Installed(env config.Environment) []Component {
	return slices.DeleteFunc(Of(env), func(c Component) bool { return !c.Installs })
}

// Products gives the components that are WSO2's.
func Products(env config.Environment) []Component {
	return slices.DeleteFunc(Of(env), func(c Component) bool { return !c.Product })
}

// WithStores gives the components that have certificates.
func WithStores(env config.Environment) []Component {
	return slices.DeleteFunc(Of(env), func(c Component) bool { return len(c.Stores) == 0 })
}

// Names gives the names of components.
func Names(all []Component) []string {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Name()
	}
	return names
}

// Trim gives the environment with the user's chart values of one component alone, or of none if the name is empty: they are large, and
// activities that do not need them are not told.
func Trim(env config.Environment, name string) config.Environment {
	for _, c := range Of(env) {
		if c.values != nil && c.Name() != name {
			*c.values(&env) = nil
		}
	}
	return env
}
