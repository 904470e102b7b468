package world

import (
	"os"
	"path/filepath"
	"testing"
)

// EmptyCache has workers fetch charts and artifacts anew.
func (w *World) EmptyCache(t testing.TB) {
	t.Helper()
	kept, err := os.ReadDir(w.cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range kept {
		if err := os.RemoveAll(filepath.Join(w.cache, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
}
