package environments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/config/spelling"
)

// FileOf is the path of an environment's file in a folder of environments. An error is one of [config.Problems] and names those there are.
func FileOf(folder, name string) (string, error) {
	if config.IsName(name) { // anything else could lead elsewhere
		for _, suffix := range suffixes {
			path := filepath.Join(folder, name+suffix)
			if _, err := os.Stat(path); err == nil {
				return path, nil
			} else if !errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("reading environment: %w", err)
			}
		}
	}
	there, err := List(folder)
	if err != nil {
		return "", err
	}
	next := fmt.Sprintf("put it there as %s.yaml", name)
	if near := spelling.Closest(name, there); near != "" {
		next = "did you mean " + near + "?"
	} else if len(there) > 0 {
		next = "write one of " + strings.Join(there, ", ") + ", or " + next
	}
	return "", config.Problems{{Path: "environment", Value: name, Message: "is not in the folder of environments, " + folder, Next: next}}
}

var suffixes = [...]string{".yaml", ".yml"}

// List are the names of the environments in a folder: of its files that end in .yaml or .yml. What stands in them is not looked at.
func List(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the folder of environments: %w", err)
	}
	var names []string
	for _, entry := range entries {
		for _, suffix := range suffixes {
			name, is := strings.CutSuffix(entry.Name(), suffix)
			if is && config.IsName(name) && !entry.IsDir() && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}
