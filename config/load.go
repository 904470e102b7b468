package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// Load reads an environment file, folds the values files it names (relative to it) into the values, applies the
// defaults and validates.
func Load(path string) (Environment, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Environment{}, fmt.Errorf("reading environment: %w", err)
	}
	beside := func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		return os.ReadFile(name)
	}
	env, err := Parse(data, beside)
	if err != nil {
		return Environment{}, fmt.Errorf("environment %s: %w", path, err)
	}
	return env, nil
}

// Parse is [Load] on bytes; readFile reads the values files.
func Parse(data []byte, readFile func(name string) ([]byte, error)) (Environment, error) {
	var env Environment
	asJSON, err := yaml.YAMLToJSON(data)
	if err != nil {
		return Environment{}, fmt.Errorf("reading YAML: %w", err)
	}
	if err := json.Unmarshal(asJSON, &env); err != nil {
		return Environment{}, fmt.Errorf("reading fields: %w", err)
	}
	env.Default()
	return env, env.Validate()
}
