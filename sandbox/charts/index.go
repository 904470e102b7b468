package charts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

type index struct {
	APIVersion string             `json:"apiVersion"`
	Entries    map[string][]entry `json:"entries"`
	Generated  string             `json:"generated"`
}

type entry struct {
	metadata `json:",inline"`
	Created  string   `json:"created"`
	Digest   string   `json:"digest"`
	URLs     []string `json:"urls"`
}

// Index returns the index.yaml of the HTTP repository whose archives lie below baseURL.
func Index(baseURL string) ([]byte, error) {
	charts, err := repository()
	if err != nil {
		return nil, err
	}
	created := packed().Format(time.RFC3339)
	all := index{APIVersion: "v1", Entries: map[string][]entry{}, Generated: created}
	for _, chart := range charts {
		archive, err := pack(chart.files)
		if err != nil {
			return nil, fmt.Errorf("packing chart %s: %w", chart.archive(), err)
		}
		digest := sha256.Sum256(archive)
		all.Entries[chart.Name] = append(all.Entries[chart.Name], entry{
			metadata: chart.metadata,
			Created:  created,
			Digest:   hex.EncodeToString(digest[:]),
			URLs:     []string{strings.TrimSuffix(baseURL, "/") + "/" + chart.archive()},
		})
	}
	return yaml.Marshal(all)
}
