// Package rootfstest shows tests what is in a directory.
package rootfstest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Tree lists what is below dir: path, mode and content or target.
func Tree(t *testing.T, dir string) []string {
	t.Helper()
	var entries []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(dir, path)
		content := ""
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = " " + string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			entries = append(entries, relative+" -> "+target)
			return nil
		}
		entries = append(entries, fmt.Sprintf("%s %v%s", relative, info.Mode(), content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
