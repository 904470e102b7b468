// Package charts holds the sandbox's simulated Helm charts. They carry the names, values keys, defaults and traps of
// the products' real charts, so that what installs here installs there; their text is the sandbox's own.
package charts

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed all:identity-server all:wso2am-all-in-one
var sources embed.FS

// Archives returns the charts of the HTTP repository, packed, by file name (name-version.tgz). The same build always
// gives the same bytes.
func Archives() (map[string][]byte, error) {
	archives := map[string][]byte{}
	for name, load := range map[string]func() (map[string][]byte, error){
		"identity-server-7.2.0-1.tgz":   func() (map[string][]byte, error) { return source("identity-server") },
		"identity-server-7.1.0-3.tgz":   identityServer71,
		"wso2am-all-in-one-4.7.0-1.tgz": func() (map[string][]byte, error) { return source("wso2am-all-in-one") },
	} {
		files, err := load()
		if err != nil {
			return nil, fmt.Errorf("reading chart %s: %w", name, err)
		}
		if archives[name], err = pack(files); err != nil {
			return nil, fmt.Errorf("packing chart %s: %w", name, err)
		}
	}
	return archives, nil
}

// source reads one chart's files by their path in its archive.
func source(chart string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(sources, chart, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = sources.ReadFile(name)
		return err
	})
	return files, err
}

// identityServer71 makes the 7.1 flavour of the Identity Server chart: other versions, and without the values that only
// 7.2 has. The templates ask for the flavour by appVersion.
func identityServer71() (map[string][]byte, error) {
	files, err := source("identity-server")
	if err != nil {
		return nil, err
	}
	versions := strings.NewReplacer("7.2.0-1", "7.1.0-3", "7.2.0", "7.1.0")
	for _, name := range []string{"Chart.yaml", "values.yaml"} {
		name = path.Join("identity-server", name)
		var kept strings.Builder
		for line := range strings.Lines(string(files[name])) {
			if !strings.HasSuffix(line, "# since 7.2\n") {
				kept.WriteString(line)
			}
		}
		files[name] = []byte(versions.Replace(kept.String()))
	}
	return files, nil
}
