package realnode

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestWhatAMachineLacksIsSaid(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		if err := Check("/work", t.TempDir()); err == nil || !strings.Contains(err.Error(), "kind") {
			t.Errorf("where there can be no node it says: %v", err)
		}
		return
	}
	for dir, want := range map[string]string{"/var/lib/node": "give --dir another place", "/srv/node": "make node-tools"} {
		if err := Check(dir, t.TempDir()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of %s it says: %v", dir, err)
		}
	}
}
