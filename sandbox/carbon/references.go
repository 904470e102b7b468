package carbon

//lint:file-ignore ST1005 errors are in the words of the product

import (
	"fmt"
	"regexp"
	"strings"
)

var reference = regexp.MustCompile(`\$(env|sys|secret|ref)\{([^}]*)\}`)

// resolveConfig replaces $env{} everywhere and $ref{} outside of arrays of tables, as wso2/config-mapper's
// ReferenceResolver does. A variable that is not set ends the start. ${…} stays: it is resolved where it is used.
func resolveConfig(tree map[string]any, getenv func(string) string) (*Config, error) {
	config := &Config{tree: tree}
	if err := walk(tree, false, func(value string, _ bool) (string, error) {
		return expand(value, "env", func(name string) (string, error) {
			found := getenv(name)
			if found == "" {
				return "", fmt.Errorf("Environment variable %s is not defined", name)
			}
			return found, nil
		})
	}); err != nil {
		return nil, fmt.Errorf("org.wso2.config.mapper.ConfigParserException: %w", err)
	}
	if err := walk(tree, false, func(value string, inArray bool) (string, error) {
		if inArray {
			return value, nil
		}
		return config.deref(value, 0)
	}); err != nil {
		return nil, fmt.Errorf("org.wso2.config.mapper.ConfigParserException: %w", err)
	}
	return config, nil
}

const maxReferences = 8

func (c *Config) deref(value string, depth int) (string, error) {
	if !strings.Contains(value, "$ref{") {
		return value, nil
	}
	if depth == maxReferences {
		return "", fmt.Errorf("References can't be resolved for %s", value)
	}
	expanded, err := expand(value, "ref", func(path string) (string, error) {
		if !c.Has(path) {
			return "", fmt.Errorf("Configuration with key %s doesn't exist", path)
		}
		return c.String(path, ""), nil
	})
	if err != nil {
		return "", err
	}
	return c.deref(expanded, depth+1)
}

// expand replaces the references of one kind. Those of Secure Vault are never configured in a sandbox.
func expand(value, kind string, lookup func(string) (string, error)) (string, error) {
	var failed error
	expanded := reference.ReplaceAllStringFunc(value, func(match string) string {
		parts := reference.FindStringSubmatch(match)
		switch parts[1] {
		case "secret", "sys":
			failed = fmt.Errorf("%s references can't be resolved for %s", parts[1], parts[2])
		case kind:
			found, err := lookup(parts[2])
			if err != nil {
				failed = err
			}
			return found
		}
		return match
	})
	return expanded, failed
}

// walk replaces every text below value; inArray says whether it belongs to an element of an array of tables.
func walk(value any, inArray bool, replace func(value string, inArray bool) (string, error)) error {
	set := func(old any, inArray bool) (any, error) {
		if text, ok := old.(string); ok {
			return replace(text, inArray)
		}
		return old, walk(old, inArray, replace)
	}
	var err error
	switch value := value.(type) {
	case map[string]any:
		for key, old := range value {
			if value[key], err = set(old, inArray); err != nil {
				return err
			}
		}
	case []any:
		for i, old := range value {
			_, table := old.(map[string]any)
			if value[i], err = set(old, inArray || table); err != nil {
				return err
			}
		}
	}
	return nil
}
