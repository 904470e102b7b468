package release

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"

	"lockstep/config"
)

const (
	maxIndexSize = 64 << 20 // the index of a large public repository is about 20 MiB
	maxChartSize = 32 << 20 // Helm itself refuses what unpacks to more than 100 MiB
)

// fromRepository downloads a chart archive from an HTTP repository. The index is read each time, because a version
// can be published again with other content; the archive comes from the cache if the index tells its digest.
func (e *Engine) fromRepository(ctx context.Context, c config.Chart) ([]byte, error) {
	base := strings.TrimSuffix(c.Repository, "/")
	index, err := e.index(ctx, base)
	if err != nil {
		return nil, err
	}
	entry, err := pick(index, c)
	if err != nil {
		return nil, err
	}
	if archive, found := e.cached(entry.Digest); found {
		return archive, nil
	}
	archive, err := e.archive(ctx, base, entry)
	if err != nil {
		return nil, err
	}
	return archive, e.keep(archive)
}

func (e *Engine) index(ctx context.Context, base string) (*repo.IndexFile, error) {
	data, err := e.get(ctx, base+"/index.yaml", maxIndexSize)
	if err != nil {
		return nil, err
	}
	var index repo.IndexFile
	if err := yaml.Unmarshal(data, &index); err != nil || index.Entries == nil {
		return nil, &Problem{Reason: ChartNotFound, Message: fmt.Sprintf("%s/index.yaml is not the index of a chart repository", base),
			NextMove: "check chart.repository", Err: err}
	}
	return &index, nil
}

// pick finds the one entry with exactly the version asked for.
func pick(index *repo.IndexFile, c config.Chart) (*repo.ChartVersion, error) {
	entries := index.Entries[c.Name]
	if len(entries) == 0 {
		return nil, &Problem{Reason: ChartNotFound, Message: fmt.Sprintf("repository %s has no chart %q", c.Repository, c.Name),
			NextMove: "check chart.repository and chart.name"}
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
	return nil, noSuchVersion(fmt.Sprintf("chart %s in %s", c.Name, c.Repository), c.Version, versions)
}

func (e *Engine) archive(ctx context.Context, base string, entry *repo.ChartVersion) ([]byte, error) {
	address, err := repo.ResolveReferenceURL(base, entry.URLs[0])
	if err != nil {
		return nil, invalid(err)
	}
	data, err := e.get(ctx, address, maxChartSize)
	if err != nil {
		return nil, err
	}
	if entry.Digest != "" && digestOf(data) != withAlgorithm(entry.Digest) {
		return nil, &Problem{Reason: ChartInvalid, Retryable: true,
			Message:  fmt.Sprintf("chart %s %s: the archive has digest %s, the index says %s", entry.Name, entry.Version, digestOf(data), entry.Digest),
			NextMove: "ask the owner of the repository to make its index anew"}
	}
	return data, nil
}

// get fetches an address through the mirrors.
func (e *Engine) get(ctx context.Context, address string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.options.Mirrors.URL(address), nil)
	if err != nil {
		return nil, invalid(err)
	}
	response, err := e.options.HTTP.Do(request)
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
	p := &Problem{Reason: ChartNotFound, Message: fmt.Sprintf("getting %s: %s", address, response.Status),
		NextMove: "check the chart's address"}
	switch {
	case response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests:
		p.Reason, p.Retryable, p.NextMove = Unreachable, true, "try again, or name another repository"
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		p.Reason, p.NextMove = Forbidden, "Lockstep reads public chart repositories: use an OCI registry or a path for a private chart"
	}
	return p
}

func notReached(address string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("getting %s: %w", address, err)
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err // without the mirror's address, which is not what the user wrote
	}
	return &Problem{Reason: Unreachable, Message: fmt.Sprintf("getting %s: %v", address, err), Retryable: true,
		NextMove: "check that the worker reaches it, or set a mirror", Err: err}
}

// noSuchVersion lists the versions that there are, at most five, in the order given.
func noSuchVersion(what, version string, versions []string) error {
	move := "it has none"
	if len(versions) > 0 {
		shown, more := versions, ""
		if len(versions) > 5 {
			shown, more = versions[:5], ", …"
		}
		move = "set chart.version to one of " + strings.Join(shown, ", ") + more
	}
	return &Problem{Reason: VersionNotFound, Message: fmt.Sprintf("%s has no version %q", what, version), NextMove: move}
}

func withAlgorithm(digest string) string {
	if digest == "" || strings.Contains(digest, ":") {
		return digest
	}
	return "sha256:" + digest
}
