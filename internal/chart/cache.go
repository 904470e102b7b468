package chart

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"lockstep/internal/failure"
)

// cached is the archive with that digest, if it was downloaded before and is still whole.
func (f *Fetcher) cached(digest string) ([]byte, bool) {
	digest = withAlgorithm(digest)
	if f.options.CacheDir == "" || !regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString(digest) {
		return nil, false
	}
	archive, err := os.ReadFile(f.cachePath(digest))
	return archive, err == nil && digestOf(archive) == digest
}

// keep puts an archive in the cache, by a rename so that nobody ever reads half of it.
func (f *Fetcher) keep(archive []byte) error {
	if f.options.CacheDir == "" {
		return nil
	}
	path := f.cachePath(digestOf(archive))
	if _, there := f.cached(digestOf(archive)); there {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return uncached(err)
	}
	part, err := os.CreateTemp(filepath.Dir(path), "part-*")
	if err != nil {
		return uncached(err)
	}
	defer func() { _ = os.Remove(part.Name()) }() // gone already if it was renamed
	_, err = part.Write(archive)
	if closeErr := part.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return uncached(err)
	}
	return nil
}

func (f *Fetcher) cachePath(digest string) string {
	return filepath.Join(f.options.CacheDir, "sha256", strings.TrimPrefix(digest, "sha256:")+".tgz")
}

func uncached(err error) error {
	e := failure.Transient(failure.Unavailable, "keeping a chart in the cache: %w", err)
	e.Next = "let the worker write below LOCKSTEP_CACHE_DIR, and make room there"
	return e
}
