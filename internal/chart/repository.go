package chart

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/internal/outbound"
)

const (
	maxIndexSize = 32 << 20 // the index of a large public repository is about 20 MiB
	maxChartSize = 32 << 20 // Helm itself refuses what unpacks to more than 100 MiB
)

// fromRepository downloads a chart archive from an HTTP repository. The index is read each time, because a version
// can be published again with other content; the archive comes from the cache if the index tells its digest.
func (f *Fetcher) fromRepository(ctx context.Context, c config.Chart) (archive []byte, _ string, err error) {
	base := strings.TrimSuffix(c.Repository, "/")
	index, err := f.index(ctx, base)
	if err != nil {
		return nil, "", err
	}
	entry, err := pick(index, c)
	if err != nil {
		return nil, "", err
	}
	if archive, found := f.cached(entry.Digest); found {
		return archive, "", nil
	}
	archive, err = f.archive(ctx, base, entry)
	return archive, "", err
}

func (f *Fetcher) index(ctx context.Context, base string) (*repo.IndexFile, error) {
	data, err := f.get(ctx, base+"/index.yaml", maxIndexSize)
	if err != nil {
		return nil, err
	}
	var index repo.IndexFile
	if err := yaml.Unmarshal(data, &index); err != nil || index.Entries == nil {
		return nil, failed(NotFound, "check chart.repository", "%s/index.yaml is not the index of a chart repository", outbound.Shown(base))
	}
	return &index, nil
}

// pick finds the one entry with exactly the version asked for.
func pick(index *repo.IndexFile, c config.Chart) (*repo.ChartVersion, error) {
	entries := index.Entries[c.Name]
	if len(entries) == 0 {
		return nil, failed(NotFound, "check chart.repository and chart.name", "repository %s has no chart %q", outbound.Shown(c.Repository), c.Name)
	}
	var versions []string
	for _, entry := range entries {
		if entry == nil || entry.Metadata == nil || len(entry.URLs) == 0 {
			continue
		}
		if sameVersion(entry.Version, c.Version) {
			return entry, nil
		}
		versions = append(versions, entry.Version)
	}
	return nil, noSuchVersion(fmt.Sprintf("chart %s in %s", c.Name, outbound.Shown(c.Repository)), c.Version, versions)
}

func (f *Fetcher) archive(ctx context.Context, base string, entry *repo.ChartVersion) ([]byte, error) {
	address, err := repo.ResolveReferenceURL(base, entry.URLs[0])
	if err != nil {
		return nil, invalid(err)
	}
	data, err := f.get(ctx, address, maxChartSize)
	if err != nil {
		return nil, err
	}
	if entry.Digest != "" && digestOf(data) != withAlgorithm(entry.Digest) {
		e := unavailable("ask the owner of the repository to make its index anew", "chart %s %s: the archive has digest %s, the index says %s",
			entry.Name, entry.Version, digestOf(data), entry.Digest)
		e.Reason = Invalid
		return nil, e
	}
	return data, nil
}

// get fetches an address through the mirrors.
func (f *Fetcher) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.options.Mirrors.URL(address), nil)
	if err != nil {
		return nil, invalid(err)
	}
	response, err := f.http.Do(request)
	if err != nil {
		return nil, notReached(address, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, refused(address, response)
	}
	data, err := readAtMost(response.Body, limit)
	if err != nil {
		return nil, notReached(address, err)
	}
	return data, nil
}

func refused(address string, response *http.Response) error {
	switch {
	case response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests:
		return unavailable("try again, or name another repository", "getting %s: %s", outbound.Shown(address), response.Status)
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return failed(Forbidden, "Lockstep reads public chart repositories: use an OCI registry or a path for a private chart", "getting %s: %s", outbound.Shown(address), response.Status)
	}
	return failed(NotFound, "check the chart's address", "getting %s: %s", outbound.Shown(address), response.Status)
}

// readAtMost reads all of r, up to limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %d MiB", limit>>20)
	}
	return data, err
}
