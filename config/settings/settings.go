// Package settings reads the settings of the service: of worker, CLI and API. It alone knows viper and reads environment variables.
package settings

import (
	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/config/mirror"
)

// Settings are those of the service: worker, CLI, codec server and API. Each comes from a flag, else from an environment variable
// LOCKSTEP_…, else from a settings file ([File]), else from its default. How Temporal is reached is not among them: that
// is TEMPORAL_… and temporal.toml, as for every other Temporal program.
type Settings struct {
	// TaskQueue is the Temporal task queue of the cluster default. Default "lockstep". Other clusters have their own.
	TaskQueue string `mapstructure:"taskQueue"`
	// Mirrors redirect registries, chart repositories and artifact URLs. LOCKSTEP_MIRRORS="host=url,host=url".
	Mirrors mirror.Map `mapstructure:"mirrors"`
	// Clusters is a folder of cluster files: then they say which clusters there are. Empty (default): there is the cluster default.
	Clusters string `mapstructure:"clusters"`
	// Serves are the clusters that a worker serves. Default: all that there are.
	Serves Names `mapstructure:"serves"`
	// Kubeconfig is that of the cluster default. Default: in-cluster, else KUBECONFIG, else ~/.kube/config.
	Kubeconfig string `mapstructure:"kubeconfig"`
	// CacheDir keeps charts and artifacts. Default: the user's cache folder and "lockstep".
	CacheDir string `mapstructure:"cacheDir"`
	// Environments is a folder of environment files, which operations may name. Empty (default): there is none.
	Environments string `mapstructure:"environments"`
	// UIURL is the Temporal UI, for links. Default http://localhost:8233.
	UIURL string `mapstructure:"uiURL"`
	// LogLevel is debug, info (default), warn or error.
	LogLevel string `mapstructure:"logLevel"`
	// LogFormat is text (default) or json.
	LogFormat string `mapstructure:"logFormat"`
	// MaxConcurrentActivities is how many activities a worker runs at once. Default 20.
	MaxConcurrentActivities int `mapstructure:"maxConcurrentActivities"`
	// StopTimeout is how long running activities may take to end once a worker was told to stop. Default 30s.
	StopTimeout config.Duration `mapstructure:"stopTimeout"`
	// Encryption of what Temporal stores. Off by default.
	Encryption Encryption `mapstructure:"encryption"`
	// CodecServer decrypts for the Temporal UI.
	CodecServer CodecServer `mapstructure:"codecServer"`
	// API is the REST API that `lockstep serve` answers. Default address 127.0.0.1:8088.
	API Server `mapstructure:"api"`
	// Health is where a worker says whether it is well.
	Health Health `mapstructure:"health"`
	// Deployment makes a worker one version of a Temporal worker deployment. Off by default.
	Deployment Deployment `mapstructure:"deployment"`
}

// Known says where clusters come from.
func (s Settings) Known() clusters.Options {
	return clusters.Options{Folder: s.Clusters, TaskQueue: s.TaskQueue, Kubeconfig: s.Kubeconfig, Mirrors: s.Mirrors}
}

// Encryption says with which keys all payloads that Temporal stores are encrypted. It must be the same for workers, CLI, API and codec server.
type Encryption struct {
	// Keys is a folder with one file per key, as a mounted Secret is. The file's name is the key's id, its content 32 bytes in base64.
	// Empty (default): nothing is encrypted.
	Keys string `mapstructure:"keys"`
	// Current is the id of the key that encrypts; all decrypt. Default: the only one there is.
	Current string `mapstructure:"current"`
}

// Health is where a worker answers /livez and /readyz.
type Health struct {
	// Address to listen on, as :8086. Empty (default): nowhere.
	Address string `mapstructure:"address"`
}

// Deployment is the worker deployment that a worker is a version of. An operation that begins on a version ends there.
type Deployment struct {
	// Name of the deployment. Empty (default): the worker has no version.
	Name string `mapstructure:"name"`
	// BuildID is the version. Default: the program's commit and checksum.
	BuildID string `mapstructure:"buildID"`
	// Current lets a worker make its version the current one, which operations begin on, if it is newer than the one that is.
	Current bool `mapstructure:"current"`
}
