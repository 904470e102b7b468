package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// File is the name of the settings file. It is looked for in $XDG_CONFIG_HOME/lockstep (~/.config/lockstep), then in /etc/lockstep, and never
// in the working folder: that may be anybody's, and settings say to which server an operation goes.
const File = "lockstep.yaml"

// Load reads the settings. flags may be nil, or hold only some of [AddFlags]; file may be empty: then LOCKSTEP_CONFIG names it, or it is
// looked for as [File] and may be absent. What is wrong comes back as [config.Problems], all at once.
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
	if file = used(file); file == "" {
		return nil
	}
	v.SetConfigFile(file)
	v.SetConfigType("yaml")
	if err := v.ReadInConfig(); err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	return besideFile(v, filepath.Dir(file))
}

// used is the file that settings are read from; empty if there is none.
func used(file string) string {
	if file == "" {
		file = os.Getenv(fileVariable)
	}
	if file != "" {
		return file
	}
	var candidates []string
	if home, err := os.UserConfigDir(); err == nil {
		candidates = append(candidates, filepath.Join(home, "lockstep", File))
	}
	for _, candidate := range append(candidates, filepath.Join(system, File)) {
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() {
			return candidate
		}
	}
	return ""
}

// fileVariable names the settings file.
const fileVariable = "LOCKSTEP_CONFIG"

// system is where only whoever runs the machine, or the container, puts files.
const system = "/etc/lockstep"

// besideFile makes the relative paths in a settings file those of its folder: the working folder may be anybody's.
func besideFile(v *viper.Viper, folder string) error {
	for _, k := range keys() {
		path, isText := v.Get(k.path).(string)
		if !k.isPath || !isText || path == "" || filepath.IsAbs(path) {
			continue
		}
		absolute, err := filepath.Abs(filepath.Join(folder, path))
		if err != nil {
			return fmt.Errorf("reading settings: %s: %w", k.name(), err)
		}
		parts := strings.Split(k.path, delimiter)
		var nested any = absolute
		for i := len(parts) - 1; i >= 0; i-- {
			nested = map[string]any{parts[i]: nested}
		}
		if err := v.MergeConfigMap(nested.(map[string]any)); err != nil {
			return fmt.Errorf("reading settings: %s: %w", k.name(), err)
		}
	}
	return nil
}

// Overlooked is a line about a settings file in the working folder that is not read; empty if there is none. file is that of [Load].
func Overlooked(file string) string {
	here, err := os.Stat(File)
	if err != nil {
		return ""
	}
	if read, err := os.Stat(used(file)); err == nil && os.SameFile(read, here) {
		return ""
	}
	return File + " in the working folder is not read, because somebody else may have put it there: if it is yours, pass --config " + File + " or set " + fileVariable
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
