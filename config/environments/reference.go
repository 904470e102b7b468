package environments

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"lockstep/config"
	"lockstep/config/strictyaml"
	"lockstep/config/valuesfile"
)

// Reference is an environment as the input of an operation gives it: the name of a file in a folder of environments, or the
// environment itself. The zero Reference is neither.
type Reference struct {
	name string
	file bool                // whether name is of a file
	text json.RawMessage     // what it was read from, if it was
	env  *config.Environment // the environment itself, if it was not
	err  error               // what is wrong with text
}

// Named is the environment of that name: <name>.yaml in the folder of environments.
func Named(name string) Reference { return Reference{name: name, file: true, err: checkName(name)} }

// Inline is the environment itself.
func Inline(env config.Environment) Reference {
	env = env.AsWritten()
	return Reference{name: env.Name, env: &env}
}

// UnmarshalJSON takes any JSON. What is wrong with it [Reference.Name] and [Reference.Resolve] say: they have better words for it.
func (r *Reference) UnmarshalJSON(data []byte) error {
	*r = Reference{text: bytes.Clone(data)}
	switch text := bytes.TrimSpace(data); {
	case string(text) == "null" || string(text) == `""`:
		r.err = wrongReference("is missing")
		return nil
	case text[0] == '"':
		r.file = true
		r.err = json.Unmarshal(text, &r.name)
	case text[0] == '{':
		var env struct{ Name any }
		r.err = json.Unmarshal(text, &env)
		r.name, _ = env.Name.(string)
	default:
		r.err = wrongReference("is neither a name nor an environment")
	}
	if r.err == nil {
		r.err = checkName(r.name)
	}
	return nil
}

// MarshalJSON is the name or the environment.
func (r Reference) MarshalJSON() ([]byte, error) {
	switch {
	case r.env != nil:
		return json.Marshal(r.env)
	case r.text != nil:
		return r.text, nil
	case r.file:
		return json.Marshal(r.name)
	default:
		return []byte("null"), nil
	}
}

// Name is the environment's name. It fails if there is none or if it cannot be one.
func (r Reference) Name() (string, error) {
	if r.err == nil && r.name == "" {
		return "", wrongReference("is missing")
	}
	return r.name, r.err
}

func checkName(name string) error {
	if config.IsName(name) {
		return nil
	}
	return config.Problems{{Path: "name", Value: name, Message: "is not the name of an environment",
		Next: "write at most 63 of a-z, 0-9 and -, with a letter or a digit at both ends"}}
}

func wrongReference(message string) config.Problems {
	return config.Problems{{Path: "environment", Message: message, Next: `write the name of an environment, as {"environment": "dev"}, or an environment itself`}}
}

// Resolve reads the environment, from folder if it is given by name, puts overrides onto it, a JSON merge patch (RFC 7396), applies
// the defaults and validates. What is wrong comes back as [config.Problems], all at once.
func (r Reference) Resolve(folder string, overrides config.Values) (config.Environment, error) {
	name, err := r.Name()
	if err != nil {
		return config.Environment{}, err
	}
	text, beside, err := r.open(folder)
	if err != nil {
		return config.Environment{}, err
	}
	if len(overrides) > 0 {
		beside = namedIn(text, beside)
		if text, err = patched(text, overrides); err != nil {
			return config.Environment{}, err
		}
	}
	env, err := Parse(text, beside)
	if !r.file || len(overrides) > 0 {
		err = withoutLines(err)
	}
	if err != nil && r.file {
		return env, fmt.Errorf("environment %q: %w", name, err)
	}
	if err == nil && env.Name != name {
		return env, renamed(r.file, env.Name, name)
	}
	return env, err
}

// withoutLines leaves out the lines of problems with what is no file: they say nothing.
func withoutLines(err error) error {
	var found config.Problems
	if errors.As(err, &found) {
		for i := range found {
			found[i].Line = 0
		}
	}
	return err
}

// renamed refuses an environment of another name than the one it was asked for by: the name is its lock.
func renamed(file bool, is, asked string) config.Problems {
	if !file {
		return config.Problems{{Path: "overrides.name", Value: is, Message: fmt.Sprintf("is not the name of the environment, %q", asked), Next: "remove name from the overrides"}}
	}
	return config.Problems{{Path: "name", Value: is, Message: fmt.Sprintf("is not the name of its file, %s", asked),
		Next: fmt.Sprintf("write name: %s in the file, or rename the file to %s.yaml", asked, is)}}
}

// open reads the environment, and how the files beside it are read.
func (r Reference) open(folder string) ([]byte, func(string) ([]byte, error), error) {
	if !r.file {
		text, err := r.MarshalJSON()
		return text, nil, err
	}
	if folder == "" {
		return nil, nil, config.Problems{{Path: "environment", Value: r.name, Message: "is a name, but no folder of environments is set",
			Next: "set environments (LOCKSTEP_ENVIRONMENTS) to a folder with " + r.name + ".yaml, or write the environment itself"}}
	}
	path, err := FileOf(folder, r.name)
	if err != nil {
		return nil, nil, err
	}
	text, err := valuesfile.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading environment: %w", err)
	}
	return text, valuesfile.Beside(path), nil
}

// namedIn reads the files that an environment names itself, and no others: who brings overrides may not have them read what else there is.
func namedIn(text []byte, readFile func(string) ([]byte, error)) func(string) ([]byte, error) {
	if readFile == nil {
		return nil
	}
	var env config.Environment
	_, _ = strictyaml.Decode(text, &env, what) // what is wrong with it is said later
	var own []string
	for _, part := range env.Parts() {
		own = append(own, *part.ValuesFile)
	}
	return func(name string) ([]byte, error) {
		if !slices.Contains(own, name) {
			return nil, errors.New("overrides may not name a file: put the values of the file into values")
		}
		return readFile(name)
	}
}
