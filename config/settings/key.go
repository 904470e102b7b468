package settings

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// delimiter is between the parts of a nested key. It is not a dot: hosts in mirrors have dots.
const delimiter = "::"

// key is one field of [Settings]: its place in the file, its flag, its default, and what the flag says of itself.
type key struct {
	path, flag string
	fallback   any // nil: the zero value
	usage      string
	isPath     bool // of a file or a folder
}

func keys() []key {
	return []key{
		{"taskQueue", "task-queue", "lockstep", "Temporal task queue of the cluster default", false},
		{"mirrors", "mirrors", nil, "host=url,host=url: what to speak to in place of registries, chart repositories and artifact hosts", false},
		{"clusters", "clusters", nil, "folder of cluster files, which say what clusters there are", true},
		{"serves", "serves", nil, "clusters that a worker serves, with commas between; default: all", false},
		{"kubeconfig", "kubeconfig", nil, "kubeconfig of the cluster default", true},
		{"cacheDir", "cache-dir", userCache(), "folder for charts and artifacts", true},
		{"environments", "environments", nil, "folder of environment files that operations may name", true},
		{"uiURL", "ui-url", "http://localhost:8233", "address of the Temporal UI, for links", false},
		{"logLevel", "log-level", "info", "debug, info, warn or error", false},
		{"logFormat", "log-format", "text", "text or json", false},
		{"maxConcurrentActivities", "max-concurrent-activities", 20, "activities that a worker runs at once", false},
		{"stopTimeout", "stop-timeout", "30s", "time for running activities to end when a worker stops", false},
		{"encryption::keys", "encryption-keys", nil, "folder with a file per key: what Temporal stores is encrypted", true},
		{"encryption::current", "encryption-current", nil, "id of the key that encrypts, if there are several", false},
		{"codecServer::address", "codec-server-address", "127.0.0.1:8087", "where the codec server answers", false},
		{"codecServer::origins", "codec-server-origins", nil, "origins of the Temporal UIs that may ask the codec server, with commas between", false},
		{"codecServer::ui", "codec-server-ui", nil, "Temporal UI to serve behind the codec server's login", false},
		{"codecServer::accessFile", "codec-server-access-file", nil, "who may ask the codec server", true},
		{"codecServer::anonymous", "codec-server-anonymous", nil, "true: everybody on this machine may ask the codec server", false},
		{"codecServer::tlsCert", "codec-server-tls-cert", nil, "certificate chain of the codec server, in PEM", true},
		{"codecServer::tlsKey", "codec-server-tls-key", nil, "key of that certificate, in PEM", true},
		{"api::address", "api-address", "127.0.0.1:8088", "where the REST API answers", false},
		{"api::accessFile", "api-access-file", nil, "who may do what on the REST API", true},
		{"api::anonymous", "api-anonymous", nil, "true: everybody on this machine may do everything on the REST API", false},
		{"api::tlsCert", "api-tls-cert", nil, "certificate chain of the REST API, in PEM", true},
		{"api::tlsKey", "api-tls-key", nil, "key of that certificate, in PEM", true},
		{"health::address", "health-address", nil, "where a worker answers /livez and /readyz, as :8086", false},
		{"deployment::name", "deployment-name", nil, "Temporal worker deployment that a worker is a version of", false},
		{"deployment::buildID", "deployment-build-id", nil, "version of a worker in its deployment", false},
		{"deployment::current", "deployment-current", nil, "true: a worker of a newer version makes it the current one", false},
	}
}

// name is the key as people write it.
func (k key) name() string { return strings.ReplaceAll(k.path, delimiter, ".") }

func (k key) variable() string {
	return "LOCKSTEP_" + strings.ToUpper(strings.ReplaceAll(k.flag, "-", "_"))
}

// userCache is nil for a user without a cache folder.
func userCache() any {
	if folder, err := os.UserCacheDir(); err == nil {
		return filepath.Join(folder, "lockstep")
	}
	return nil
}

// AddFlags gives flags one flag per setting, without defaults of their own: an unset flag leaves the setting alone.
func AddFlags(flags *pflag.FlagSet) {
	for _, k := range keys() {
		flags.String(k.flag, "", k.usage+" ("+k.variable()+")")
	}
}
