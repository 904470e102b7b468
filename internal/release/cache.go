package release

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// cached is the archive with that digest, if it was downloaded before and is still whole.
func (e *Engine) cached(digest string) ([]byte, bool) {
	digest = withAlgorithm(digest)
	if e.options.CacheDir == "" || !regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString(digest) {
		return nil, false
	}
	archive, err := os.ReadFile(e.cachePath(digest))
	return archive, err == nil && digestOf(archive) == digest
}

// keep puts an archive in the cache, by a rename so that nobody ever reads half of it.
func (e *Engine) keep(archive []byte) error {
	if e.options.CacheDir == "" {
		return nil
	}
	path := e.cachePath(digestOf(archive))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making chart cache: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(path), "part-*")
	if err != nil {
		return fmt.Errorf("writing chart cache: %w", err)
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
		return fmt.Errorf("writing chart cache: %w", err)
	}
	return nil
}

func (e *Engine) cachePath(digest string) string {
	return filepath.Join(e.options.CacheDir, "sha256", strings.TrimPrefix(digest, "sha256:")+".tgz")
}
