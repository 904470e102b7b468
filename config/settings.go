package config

import (
	"fmt"
	"lockstep/config/mirror"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// SettingsFile is looked for in the working folder and in $XDG_CONFIG_HOME/lockstep (~/.config/lockstep).
const SettingsFile = "lockstep.yaml"

// Settings are those of the service: worker, CLI and API. Each comes from a flag, else from an environment variable
// LOCKSTEP_…, else from the file lockstep.yaml, else from its default. How Temporal is reached is not among them: that
// is TEMPORAL_… and temporal.toml, as for every other Temporal program.
type Settings struct {
	// TaskQueue is the Temporal task queue of workers and workflows. Default "lockstep".
	TaskQueue string `mapstructure:"taskQueue"`
	// Mirrors redirect registries, chart repositories and artifact URLs. LOCKSTEP_MIRRORS="host=url,host=url".
	Mirrors mirror.Map `mapstructure:"mirrors"`
	// Kubeconfig is used where an environment names none. Default: in-cluster, else KUBECONFIG, else ~/.kube/config.
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
	StopTimeout Duration `mapstructure:"stopTimeout"`
	// Encryption is of what Temporal stores. Off by default.
	Encryption Encryption `mapstructure:"encryption"`
	// CodecServer decrypts for the Temporal UI.
	CodecServer CodecServer `mapstructure:"codecServer"`
	// API is for programs.
	API API `mapstructure:"api"`
	// Health is where a worker says how it is.
	Health Health `mapstructure:"health"`
	// Deployment makes a worker one version of a Temporal worker deployment. Off by default.
	Deployment Deployment `mapstructure:"deployment"`
}

// Encryption is of all payloads that Temporal stores: the same for workers, CLI, API and codec server.
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

// delimiter is between the parts of a nested key. It is not a dot: hosts in mirrors have dots.
const delimiter = "::"

// setting is one field of Settings: its key in the file, the flag, and what the flag says of itself.
type setting struct{ key, flag, usage string }

// name is the key as people write it.
func (s setting) name() string { return strings.ReplaceAll(s.key, delimiter, ".") }

func (s setting) variable() string { return "LOCKSTEP_" + envName(s.flag) }

func settings() []setting {
	return []setting{
		{"taskQueue", "task-queue", "Temporal task queue"},
		{"mirrors", "mirrors", "host=url,host=url: what to speak to in place of registries, chart repositories and artifact hosts"},
		{"kubeconfig", "kubeconfig", "kubeconfig where the environment names none"},
		{"cacheDir", "cache-dir", "folder for charts and artifacts"},
		{"environments", "environments", "folder of environment files that operations may name"},
		{"uiURL", "ui-url", "address of the Temporal UI, for links"},
		{"logLevel", "log-level", "debug, info, warn or error"},
		{"logFormat", "log-format", "text or json"},
		{"maxConcurrentActivities", "max-concurrent-activities", "activities that a worker runs at once"},
		{"stopTimeout", "stop-timeout", "time for running activities to end when a worker stops"},
		{"encryption::keys", "encryption-keys", "folder with a file per key: what Temporal stores is encrypted"},
		{"encryption::current", "encryption-current", "id of the key that encrypts, if there are several"},
		{"codecServer::address", "codec-server-address", "where the codec server answers"},
		{"codecServer::origins", "codec-server-origins", "origins of the Temporal UIs that may ask the codec server, with commas between"},
		{"codecServer::accessFile", "codec-server-access-file", "who may ask the codec server"},
		{"codecServer::anonymous", "codec-server-anonymous", "true: anybody on this machine may ask the codec server"},
		{"codecServer::tlsCert", "codec-server-tls-cert", "certificate chain of the codec server, in PEM"},
		{"codecServer::tlsKey", "codec-server-tls-key", "key of that certificate, in PEM"},
		{"api::address", "api-address", "where the REST API answers"},
		{"api::accessFile", "api-access-file", "who may do what on the REST API"},
		{"api::anonymous", "api-anonymous", "true: anybody on this machine may do everything on the REST API"},
		{"api::tlsCert", "api-tls-cert", "certificate chain of the REST API, in PEM"},
		{"api::tlsKey", "api-tls-key", "key of that certificate, in PEM"},
		{"health::address", "health-address", "where a worker answers /livez and /readyz, as :8086"},
		{"deployment::name", "deployment-name", "Temporal worker deployment that a worker is a version of"},
		{"deployment::buildID", "deployment-build-id", "version of a worker in its deployment"},
		{"deployment::current", "deployment-current", "true: a worker of a newer version makes it the current one"},
	}
}

// AddFlags gives flags one flag per setting, without defaults of their own: an unset flag leaves the setting alone.
func AddFlags(flags *pflag.FlagSet) {
	for _, s := range settings() {
		flags.String(s.flag, "", s.usage+" ("+s.variable()+")")
	}
}

// LoadSettings reads the settings. flags may be nil, or hold only some of [AddFlags]; file may be empty: then
// lockstep.yaml is looked for in the working folder and in $XDG_CONFIG_HOME/lockstep, and may be absent.
func LoadSettings(flags *pflag.FlagSet, file string) (Settings, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	setDefaults(v)
	if err := readSettingsFile(v, file); err != nil {
		return Settings{}, err
	}
	for _, s := range settings() {
		if err := bind(v, flags, s); err != nil {
			return Settings{}, err
		}
	}
	var loaded Settings
	hooks := mapstructure.ComposeDecodeHookFunc(mapstructure.DecodeHookFuncType(mirrorsFromText), mapstructure.TextUnmarshallerHookFunc())
	if err := v.UnmarshalExact(&loaded, viper.DecodeHook(hooks)); err != nil {
		return Settings{}, fmt.Errorf("reading settings%s: %w", origin(v), settingsError(err))
	}
	if err := loaded.validate(); err != nil {
		return Settings{}, fmt.Errorf("checking settings%s: %w", origin(v), err)
	}
	return loaded, nil
}

func setDefaults(v *viper.Viper) {
	v.SetDefault("taskQueue", "lockstep")
	v.SetDefault("uiURL", "http://localhost:8233")
	v.SetDefault("logLevel", "info")
	v.SetDefault("logFormat", "text")
	v.SetDefault("maxConcurrentActivities", 20)
	v.SetDefault("stopTimeout", "30s")
	v.SetDefault("codecServer::address", "127.0.0.1:8087")
	v.SetDefault("api::address", "127.0.0.1:8088")
	if cache, err := os.UserCacheDir(); err == nil {
		v.SetDefault("cacheDir", filepath.Join(cache, "lockstep"))
	}
}

// readSettingsFile does not let viper search: it would take an executable named lockstep for a settings file.
func readSettingsFile(v *viper.Viper, file string) error {
	if file == "" {
		file = findSettingsFile()
	}
	if file == "" {
		return nil
	}
	v.SetConfigFile(file)
	v.SetConfigType("yaml")
	if err := v.ReadInConfig(); err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	return nil
}

func findSettingsFile() string {
	candidates := []string{SettingsFile}
	if home, err := os.UserConfigDir(); err == nil {
		candidates = append(candidates, filepath.Join(home, "lockstep", SettingsFile))
	}
	for _, candidate := range candidates {
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() {
			return candidate
		}
	}
	return ""
}

func bind(v *viper.Viper, flags *pflag.FlagSet, s setting) error {
	if err := v.BindEnv(s.key, s.variable()); err != nil {
		return fmt.Errorf("binding setting %s: %w", s.name(), err)
	}
	if flags == nil {
		return nil
	}
	flag := flags.Lookup(s.flag)
	if flag == nil || !flag.Changed {
		return nil
	}
	if err := v.BindPFlag(s.key, flag); err != nil {
		return fmt.Errorf("binding flag --%s: %w", s.flag, err)
	}
	return nil
}

func envName(flag string) string { return strings.ToUpper(strings.ReplaceAll(flag, "-", "_")) }

func origin(v *viper.Viper) string {
	if file := v.ConfigFileUsed(); file != "" {
		return " (file " + file + ")"
	}
	return ""
}
