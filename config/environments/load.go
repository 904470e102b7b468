// Package environments reads environments: from a file, by name from a folder of files, or from the input of an operation.
package environments

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/strictyaml"
	"lockstep/config/validation"
	"lockstep/config/valuesfile"
)

// what is what a document says that is read here.
const what = "an environment"

// Load reads an environment file, folds the values files it names (relative to it) into the values, applies the
// defaults and validates. What is wrong comes back as [config.Problems], all at once; then the environment is as far as it
// could be read.
func Load(path string) (config.Environment, error) {
	data, err := valuesfile.ReadFile(path)
	if err != nil {
		return config.Environment{}, fmt.Errorf("reading environment: %w", err)
	}
	env, err := Parse(data, valuesfile.Beside(path))
	if err != nil {
		return env, fmt.Errorf("environment %s: %w", path, err)
	}
	return env, nil
}

// Parse is [Load] on bytes; readFile reads the values files by the names the environment gives them. It may be nil:
// then an environment that names one is refused.
func Parse(data []byte, readFile func(name string) ([]byte, error)) (config.Environment, error) {
	var env config.Environment
	lines, found := strictyaml.Decode(data, &env, what)
	if lines == nil {
		return config.Environment{}, discreet(found).Err()
	}
	env = env.AsWritten() // what is the cluster's comes from its file
	for _, part := range env.Parts() {
		found = append(found, valuesfile.Fold(part, "environment file", readFile)...)
	}
	env.Default()
	var invalid config.Problems
	errors.As(validation.Check(env), &invalid)
	found = append(found, invalid...)
	for i := range found {
		if found[i].Line == 0 {
			field, _, _ := strings.Cut(found[i].Path, ", ") // a line of TOML inside the field may follow
			found[i].Line = lines[field]
		}
	}
	slices.SortStableFunc(found, byLine)
	return env, discreet(found).Err()
}

// discreet leaves out the values of fields beside which people write secrets by mistake.
func discreet(found config.Problems) config.Problems {
	for i, p := range found {
		switch p.Path[strings.LastIndex(p.Path, ".")+1:] {
		case "secret":
			if !config.IsName(p.Value) {
				found[i].Value = ""
			}
		case "credentials", "values":
			if !strings.HasPrefix(p.Value, "$env{") {
				found[i].Value = ""
			}
		}
	}
	return found
}

// byLine leaves what has no line, as it is missing, at the end.
func byLine(a, b config.Problem) int {
	if (a.Line == 0) != (b.Line == 0) {
		return b.Line - a.Line
	}
	return a.Line - b.Line
}
