package settings

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"

	"lockstep/config"
	"lockstep/config/mirror"
	"lockstep/config/spelling"
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

// decodeProblems says of every setting that cannot be read what it should be, and of an unknown key which ones there are.
func decodeProblems(err error) error {
	var found config.Problems
	collect(err, &found)
	if len(found) == 0 {
		return err
	}
	return found
}

func collect(err error, found *config.Problems) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			collect(one, found)
		}
		return
	}
	wrong, ok := err.(*mapstructure.DecodeError)
	if !ok {
		if inner := errors.Unwrap(err); inner != nil {
			collect(inner, found)
		}
		return
	}
	if _, unknown, has := strings.Cut(wrong.Unwrap().Error(), "has invalid keys: "); has {
		addUnknown(found, wrong.Name(), strings.Split(unknown, ", "))
		return
	}
	var value *mapstructure.ParseError
	if errors.As(wrong, &value) {
		found.Add(wrong.Name(), fmt.Sprint(value.Value), "is of the wrong type", "write "+example(value.Expected.Kind()))
		return
	}
	found.Add(wrong.Name(), "", wrong.Unwrap().Error(), "")
}

// addUnknown notes keys below a group of settings that are none. They come in lower case.
func addUnknown(found *config.Problems, group string, unknown []string) {
	var known []string
	for _, k := range keys() {
		known = append(known, k.name())
	}
	for _, name := range unknown {
		if group != "" {
			name = group + "." + name
		}
		next := "remove it, or write one of " + strings.Join(known, ", ")
		if near := spelling.Closest(name, known); near != "" {
			next = "did you mean " + near + "?"
		}
		found.Add(name, "", "is not a setting", next)
	}
}

func example(kind reflect.Kind) string {
	if kind == reflect.Bool {
		return "true or false"
	}
	return "a whole number"
}
