package registry

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Find gives the charts in a folder, by name: archives and folders of charts, in checkouts too. Charts within charts are parts of those.
func Find(dir string) (map[string]string, error) {
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != dir:
			return fs.SkipDir
		case strings.HasSuffix(path, ".tgz") || filepath.Base(path) == "Chart.yaml":
		default:
			return nil
		}
		chart := path
		if !strings.HasSuffix(path, ".tgz") {
			chart = filepath.Dir(path)
		}
		name, err := chartName(chart)
		if err != nil {
			return err
		}
		if other, taken := found[name]; taken {
			return fmt.Errorf("%s and %s are both chart %s: leave one of them", other, chart, name)
		}
		found[name] = chart
		if chart == path {
			return nil
		}
		return fs.SkipDir
	})
	if err != nil {
		return nil, fmt.Errorf("looking for charts in %s: %w", dir, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("looking for charts: %s has neither a .tgz nor a Chart.yaml", dir)
	}
	return found, nil
}

func chartName(chart string) (string, error) {
	archive, err := Pack(chart)
	if err != nil {
		return "", err
	}
	about, err := ReadChart(archive)
	if err != nil {
		return "", fmt.Errorf("%s: %w", chart, err)
	}
	name, _ := about["name"].(string)
	if name == "" {
		return "", fmt.Errorf("%s: its Chart.yaml has no name", chart)
	}
	return name, nil
}
