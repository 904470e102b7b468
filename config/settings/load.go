package settings

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// File is looked for in the working folder and in $XDG_CONFIG_HOME/lockstep (~/.config/lockstep).
const File = "lockstep.yaml"

// Load reads the settings. flags may be nil, or hold only some of [AddFlags]; file may be empty: then lockstep.yaml is
// looked for in the working folder and in $XDG_CONFIG_HOME/lockstep, and may be absent. What is wrong comes back as
// [config.Problems], all at once.
func Load(flags *pflag.FlagSet, file string) (Settings, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	if err := read(v, file); err != nil {
		return Settings{}, err
	}
	for _, k := range keys() {
		if err := bind(v, flags, k); err != nil {
			return Settings{}, err
		}
	}
	var loaded Settings
	hooks := mapstructure.ComposeDecodeHookFunc(mapstructure.DecodeHookFuncType(mirrorsFromText), mapstructure.TextUnmarshallerHookFunc())
	if err := v.UnmarshalExact(&loaded, viper.DecodeHook(hooks)); err != nil {
		return Settings{}, fmt.Errorf("reading settings%s: %w", origin(v), decodeProblems(err))
	}
	if err := loaded.check().Err(); err != nil {
		return Settings{}, fmt.Errorf("checking settings%s: %w", origin(v), err)
	}
	return loaded, nil
}

// read does not let viper search: it would take an executable named lockstep for a settings file.
func read(v *viper.Viper, file string) error {
	if file == "" {
		file = find()
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

func find() string {
	candidates := []string{File}
	if home, err := os.UserConfigDir(); err == nil {
		candidates = append(candidates, filepath.Join(home, "lockstep", File))
	}
	for _, candidate := range candidates {
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() {
			return candidate
		}
	}
	return ""
}

// bind leads a key to its default, its variable and its flag.
func bind(v *viper.Viper, flags *pflag.FlagSet, k key) error {
	if k.fallback != nil {
		v.SetDefault(k.path, k.fallback)
	}
	if err := v.BindEnv(k.path, k.variable()); err != nil {
		return fmt.Errorf("binding setting %s: %w", k.name(), err)
	}
	if flags == nil {
		return nil
	}
	flag := flags.Lookup(k.flag)
	if flag == nil || !flag.Changed {
		return nil
	}
	if err := v.BindPFlag(k.path, flag); err != nil {
		return fmt.Errorf("binding flag --%s: %w", k.flag, err)
	}
	return nil
}

func origin(v *viper.Viper) string {
	if file := v.ConfigFileUsed(); file != "" {
		return " (file " + file + ")"
	}
	return ""
}
