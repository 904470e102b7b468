package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
)

// mirrorsFromText lets mirrors be text, as an environment variable or a flag must be.
func mirrorsFromText(from, to reflect.Type, value any) (any, error) {
	text, isText := value.(string)
	if !isText || to != reflect.TypeFor[Mirrors]() {
		return value, nil
	}
	mirrors, err := ParseMirrors(text)
	return map[string]string(mirrors), err
}

// settingsError adds the settings that there are to a complaint about a key that is none. Keys reach it in lower case.
func settingsError(err error) error {
	text := err.Error()
	if !strings.Contains(text, "has invalid keys") {
		return err
	}
	var known []string
	for _, s := range settings() {
		known = append(known, s.key)
	}
	_, keys, _ := strings.Cut(text, "has invalid keys: ")
	var all []error
	for key := range strings.SplitSeq(strings.TrimSpace(keys), ", ") {
		next := "remove it, or write one of " + strings.Join(known, ", ")
		if near := closest(key, known); near != "" {
			next = "did you mean " + near + "?"
		}
		all = append(all, fmt.Errorf("%s is no setting; %s", key, next))
	}
	return errors.Join(all...)
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
	if err := s.Mirrors.check(); err != nil {
		all = append(all, err)
	}
	return errors.Join(all...)
}
