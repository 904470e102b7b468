// Package clusters reads what whoever runs a worker says of clusters: how each is reached, what its environments share, and what they
// may ask for. Nobody else says it: an environment names its cluster, and no more.
package clusters

import (
	_ "embed"

	"lockstep/config"
	"lockstep/config/mirror"
)

//go:embed cluster.go
var source []byte

// Source is the source of the types of cluster files, whose comments document the fields.
func Source() []byte { return source }

// Kind is the only value of [Cluster.Kind].
const Kind = "Cluster"

// Cluster is a file about one cluster.
type Cluster struct {
	// APIVersion is always "lockstep/v1".
	APIVersion string `json:"apiVersion" choices:"lockstep/v1"`
	// Kind is always "Cluster".
	Kind string `json:"kind" choices:"Cluster"`
	// Name is what environments call the cluster. A DNS label. Those that name no cluster are on "default".
	Name config.ClusterName `json:"name" rule:"label"`
	// Kubeconfig is a file that kubectl can use, relative to this file. Default: in the cluster that the worker runs in, its service
	// account; else what kubectl uses there. For the cluster default, the setting kubeconfig comes first.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	// Context is a context of that kubeconfig. Default: its current context.
	Context string `json:"context,omitempty"`
	// TaskQueue is the Temporal task queue of the workers that serve the cluster. Default lockstep-<name>, and for the cluster default
	// the setting taskQueue.
	TaskQueue string `json:"taskQueue,omitempty"`
	// Gateway is the Gateway API controller.
	Gateway config.Controller `json:"gateway,omitzero"`
	// Mirrors are base URLs by host: what to speak to in place of registries, chart repositories and artifact hosts. They come before
	// those of the setting mirrors.
	Mirrors mirror.Map `json:"mirrors,omitempty"`
	// PlainHTTP are the registries, chart repositories and artifact hosts that are reached without TLS.
	PlainHTTP []string `json:"plainHTTP,omitempty"`
	// Charts is a folder of charts, relative to this file. Environments may take charts from it by name (chart.path).
	Charts string `json:"charts,omitempty"`
	// Allow says what environments may ask for. Default: all that an environment can say.
	Allow Allow `json:"allow,omitzero"`

	file string // where it stands
	said bool   // its file says the task queue
}

// Allow says what environments may ask for. A list that is left out allows everything, but for CANamespaces; an empty one nothing.
type Allow struct {
	// Namespaces are patterns of namespaces, as team-a-*.
	Namespaces []string `json:"namespaces,omitzero"`
	// CANamespaces are patterns of the namespaces that environments may name in certificates.caNamespace. No environment may be in one of
	// them. Default: none if the file has any other list, else all.
	CANamespaces []string `json:"caNamespaces,omitzero"`
	// ChartSources are chart repositories and places in registries, each with all below it, as https://helm.wso2.com and
	// oci://registry.example.com/charts.
	ChartSources []string `json:"chartSources,omitzero"`
	// ImageRegistries are registries, or places in them, each with all below it, as docker.io/wso2 and registry.example.com. They are
	// for images that an environment's fields name. What chart values name no list stops.
	ImageRegistries []string `json:"imageRegistries,omitzero"`
	// ArtifactHosts are patterns of hosts, as maven.wso2.org and *.example.com.
	ArtifactHosts []string `json:"artifactHosts,omitzero"`
}

// File is the file that says it; empty: none does.
func (c Cluster) File() string { return c.file }

// Where is the file that says it, or where one would stand.
func (c Cluster) Where() string {
	if c.file == "" {
		return "a file of kind Cluster, name " + string(c.Name) + ", in the worker's folder of clusters"
	}
	return c.file
}
