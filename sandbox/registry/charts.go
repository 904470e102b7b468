package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Charts serves chart archives as a Helm repository: /index.yaml and /<name>-<version>.tgz.
func Charts(archives [][]byte) (http.Handler, error) {
	mux := http.NewServeMux()
	entries := map[string][]map[string]any{}
	for _, tgz := range archives {
		chart, err := ReadChart(tgz)
		if err != nil {
			return nil, err
		}
		file := fmt.Sprintf("%s-%s.tgz", chart["name"], chart["version"])
		mux.Handle("GET /"+file, content("application/gzip", tgz))
		sum := sha256.Sum256(tgz)
		chart["digest"], chart["urls"] = hex.EncodeToString(sum[:]), []string{file}
		name := fmt.Sprint(chart["name"])
		entries[name] = append(entries[name], chart)
	}
	index, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "generated": "2020-01-01T00:00:00Z", "entries": entries})
	if err != nil {
		return nil, fmt.Errorf("encoding chart index: %w", err)
	}
	mux.Handle("GET /index.yaml", content("application/yaml", index))
	return mux, nil
}

// ReadChart returns the Chart.yaml of a chart archive.
func ReadChart(tgz []byte) (map[string]any, error) {
	gz, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return nil, fmt.Errorf("opening chart archive: %w", err)
	}
	for files := tar.NewReader(gz); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("reading chart archive: it has no Chart.yaml")
		}
		if err != nil {
			return nil, fmt.Errorf("reading chart archive: %w", err)
		}
		if dir, file := path.Split(path.Clean(header.Name)); file != "Chart.yaml" || strings.Count(dir, "/") != 1 {
			continue
		}
		data, err := io.ReadAll(files)
		if err != nil {
			return nil, fmt.Errorf("reading Chart.yaml: %w", err)
		}
		chart := map[string]any{}
		if err := yaml.Unmarshal(data, &chart); err != nil {
			return nil, fmt.Errorf("reading Chart.yaml: %w", err)
		}
		return chart, nil
	}
}

func content(contentType string, data []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
}
