package source

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestACleanFolderIsItsCommit(t *testing.T) {
	dir := repository(t)
	s, err := Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Dirty || s.Version != "v1.2.0" || len(s.Revision) != 40 || !s.Time.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("got %+v", s)
	}
}

func TestAStrayFileMakesAFolderDirty(t *testing.T) {
	dir := repository(t)
	if err := os.WriteFile(filepath.Join(dir, "stray"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Dirty || s.Version != "v1.2.0-dirty" || !strings.HasSuffix(s.Revision, "-dirty") {
		t.Errorf("got %+v", s)
	}
}

func TestAFolderWithoutACommitIsAnErrorThatSaysWhatGitSaid(t *testing.T) {
	if _, err := Read(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("got %v", err)
	}
}

func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--allow-empty", "--message", "first"},
		{"tag", "v1.2.0"},
	} {
		command := exec.Command("git", append([]string{"-C", dir}, args...)...)
		command.Env = append(command.Environ(), "GIT_COMMITTER_DATE=1700000000 +0000", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}
