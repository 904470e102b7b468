package config

import (
	"errors"
	"fmt"
	"lockstep/config/mirror"
	"lockstep/config/spelling"
	"log/slog"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
)

// mirrorsFromText lets mirrors be text, as an environment variable or a flag must be.
func mirrorsFromText(from, to reflect.Type, value any) (any, error) {
	text, isText := value.(string)
	if !isText || to != reflect.TypeFor[mirror.Map]() {
		return value, nil
	}
	mirrors, err := mirror.Parse(text)
	return map[string]string(mirrors), err
}

// settingsError says of every setting that cannot be read what it is, what it should be, and of a key that is none which there are.
func settingsError(err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, settingsError(one))
		}
		return errors.Join(all...)
	}
	wrong, ok := err.(*mapstructure.DecodeError)
	if !ok {
		if inner := errors.Unwrap(err); inner != nil {
			return settingsError(inner)
		}
		return err
	}
	if _, keys, unknown := strings.Cut(wrong.Unwrap().Error(), "has invalid keys: "); unknown {
		return unknownKeys(wrong.Name(), strings.Split(keys, ", "))
	}
	var value *mapstructure.ParseError
	if errors.As(wrong, &value) {
		return fmt.Errorf("%s %q is no %s: write %s", wrong.Name(), fmt.Sprint(value.Value), value.Expected.Type(), example(value.Expected.Kind()))
	}
	return fmt.Errorf("%s %w", wrong.Name(), wrong.Unwrap())
}

// unknownKeys are those of one map in the settings. They come in lower case.
func unknownKeys(within string, keys []string) error {
	var known []string
	for _, s := range settings() {
		known = append(known, s.name())
	}
	var all []error
	for _, key := range keys {
		if within != "" {
			key = within + "." + key
		}
		next := "remove it, or write one of " + strings.Join(known, ", ")
		if near := spelling.Closest(key, known); near != "" {
			next = "did you mean " + near + "?"
		}
		all = append(all, fmt.Errorf("%s is no setting; %s", key, next))
	}
	return errors.Join(all...)
}

func example(kind reflect.Kind) string {
	if kind == reflect.Bool {
		return "true or false"
	}
	return "a whole number"
}

func (s Settings) validate() error {
	var all []error
	if s.TaskQueue == "" {
		all = append(all, errors.New(`taskQueue is empty: leave it out for "lockstep"`))
	}
	if s.CacheDir == "" {
		all = append(all, errors.New("cacheDir is empty and the user has no cache folder: set LOCKSTEP_CACHE_DIR"))
	}
	if u, err := url.Parse(s.UIURL); err != nil || u.Host == "" {
		all = append(all, fmt.Errorf("uiURL %q is no URL: write it as http://localhost:8233", s.UIURL))
	}
	if new(slog.LevelVar).UnmarshalText([]byte(s.LogLevel)) != nil {
		all = append(all, fmt.Errorf("logLevel %q is none: write debug, info, warn or error", s.LogLevel))
	}
	if s.LogFormat != "text" && s.LogFormat != "json" {
		all = append(all, fmt.Errorf("logFormat %q is none: write text or json", s.LogFormat))
	}
	if s.MaxConcurrentActivities < 1 || s.MaxConcurrentActivities > 1000 {
		all = append(all, fmt.Errorf("maxConcurrentActivities %d is out of range: write 1 to 1000", s.MaxConcurrentActivities))
	}
	if limit := time.Duration(s.StopTimeout); limit < time.Second || limit > time.Hour {
		all = append(all, fmt.Errorf("stopTimeout %s is out of range: write 1s to 1h", s.StopTimeout))
	}
	return errors.Join(append(all, s.Mirrors.Check(), s.Encryption.check(), s.CodecServer.check(), s.API.check(), s.Health.check(), s.Deployment.check())...)
}

func (e Encryption) check() error {
	if e.Keys == "" && e.Current != "" {
		return fmt.Errorf("encryption.current %q is a key in no folder: set encryption.keys (LOCKSTEP_ENCRYPTION_KEYS) too, or leave it out", e.Current)
	}
	return nil
}

func (h Health) check() error {
	if h.Address == "" {
		return nil
	}
	return checkAddress("health.address", h.Address, 8086)
}

// checkAddress wants an address to listen on; port is for the example.
func checkAddress(name, address string, port int) error {
	_, text, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(text, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s %q is no address: write it as :%d or 127.0.0.1:%d", name, address, port, port)
	}
	return nil
}

// Temporal writes a version as deployment and build id with one of these in between.
const versionDelimiters = ".:"

func (d Deployment) check() error {
	if d.Name == "" {
		if d.BuildID != "" {
			return fmt.Errorf("deployment.buildID %q is the version of no deployment: set deployment.name (LOCKSTEP_DEPLOYMENT_NAME) too, or leave it out", d.BuildID)
		}
		if d.Current {
			return errors.New("deployment.current is true, but there is no deployment: set deployment.name (LOCKSTEP_DEPLOYMENT_NAME) too, or leave it out")
		}
		return nil
	}
	if strings.ContainsAny(d.Name, versionDelimiters) || strings.HasPrefix(d.Name, "__") {
		return fmt.Errorf("deployment.name %q is no name: write it without dots and colons, and not beginning with __", d.Name)
	}
	if strings.HasPrefix(d.BuildID, "__") {
		return fmt.Errorf("deployment.buildID %q is Temporal's own: write one that does not begin with __", d.BuildID)
	}
	return nil
}
