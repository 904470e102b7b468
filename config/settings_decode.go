package config

import (
	"errors"
	"fmt"
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
	return errors.Join(fmt.Errorf("unknown settings: %s", strings.TrimSpace(keys)),
		fmt.Errorf("remove them or write one of %s", strings.Join(known, ", ")))
}
