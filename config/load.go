package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads an environment file, folds the values files it names (relative to it) into the values, applies the
// defaults and validates. What is wrong comes back as [Problems], all at once; then the environment is as far as it
// could be read.
func Load(path string) (Environment, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Environment{}, fmt.Errorf("reading environment: %w", err)
	}
	env, err := Parse(data, beside(path))
	if err != nil {
		return env, fmt.Errorf("environment %s: %w", path, err)
	}
	return env, nil
}

// beside reads files by the names that an environment file gives them.
func beside(path string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		return os.ReadFile(name)
	}
}

// Parse is [Load] on bytes; readFile reads the values files by the names the environment gives them. It may be nil:
// then an environment that names one is refused.
func Parse(data []byte, readFile func(name string) ([]byte, error)) (Environment, error) {
	var env Environment
	lines, found := decodeStrict(data, &env)
	if lines == nil {
		return Environment{}, discreet(found)
	}
	found = append(found, env.foldValuesFiles(readFile)...)
	env.Default()
	var invalid Problems
	errors.As(env.Validate(), &invalid)
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
func discreet(found Problems) Problems {
	for i, p := range found {
		switch p.Path[strings.LastIndex(p.Path, ".")+1:] {
		case "secret":
			if !dnsLabel.MatchString(p.Value) {
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
func byLine(a, b Problem) int {
	if (a.Line == 0) != (b.Line == 0) {
		return b.Line - a.Line
	}
	return a.Line - b.Line
}

// foldValuesFiles puts each values file under the values beside it. What could be folded is no longer named, so that
// the environment means the same on a machine without the file.
func (e *Environment) foldValuesFiles(readFile func(string) ([]byte, error)) (found Problems) {
	found = append(found, foldValues("routing", &e.Routing.Values, &e.Routing.ValuesFile, readFile)...)
	found = append(found, foldValues("identityServer", &e.IdentityServer.Values, &e.IdentityServer.ValuesFile, readFile)...)
	return append(found, foldValues("apiManager", &e.APIManager.Values, &e.APIManager.ValuesFile, readFile)...)
}

func foldValues(part string, values *Values, file *string, readFile func(string) ([]byte, error)) Problems {
	if *file == "" || readFile == nil {
		return nil // Validate refuses what is left
	}
	name, path := *file, part+".valuesFile"
	*file = ""
	data, err := readFile(name)
	if err != nil {
		return Problems{{Path: path, Value: name, Message: "cannot be read: " + reason(err),
			Next: "name a values file, relative to the environment file"}}
	}
	var under Values
	_, found := decodeStrict(data, &under)
	for i := range found {
		found[i].Path, found[i].Value = name+": "+found[i].Path, "" // nobody knows what file that is
	}
	if len(found) == 0 && len(under) > 0 {
		*values = MergeValues(under, *values)
	}
	return found
}

// reason is what went wrong without the path, which the message names already.
func reason(err error) string {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
