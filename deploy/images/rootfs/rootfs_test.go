package rootfs

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALayerDoesNotDependOnTheOrderOfItsEntries(t *testing.T) {
	entries := []Entry{{Path: "b/", Mode: 0o1777}, {Path: "a", Mode: 0o644, Data: []byte("x")}, {Path: "b/c", Mode: 0o755, Data: []byte("y")}}
	first, err := Layer(entries)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(entries)
	second, err := Layer(entries)
	if err != nil {
		t.Fatal(err)
	}
	one, _ := first.Digest()
	two, _ := second.Digest()
	if one != two {
		t.Errorf("%s and %s", one, two)
	}
}

func TestEntriesAreRootsAndFromNoTime(t *testing.T) {
	var out bytes.Buffer
	if err := write(&out, []Entry{{Path: "tmp/", Mode: 0o1777}, {Path: "tmp/a", Mode: 0o644, Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(&out); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, header.Name+" "+header.FileInfo().Mode().String())
		if header.Uid != 0 || header.Gid != 0 || !header.ModTime.Equal(time.Unix(0, 0)) || header.Uname != "" {
			t.Errorf("%+v", header)
		}
	}
	if diff := cmp.Diff([]string{"tmp/ dtrwxrwxrwx", "tmp/a -rw-r--r--"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	if _, err := Layer([]Entry{{Path: "usr/local/bin/worker", Source: "/nowhere/worker"}}); err == nil || !strings.Contains(err.Error(), "/nowhere/worker") {
		t.Errorf("got %v", err)
	}
}

func TestTheBaseHasAFolderForEveryFileButTheTimeZones(t *testing.T) {
	entries, err := Base(archive(t, "Europe/Berlin"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range entries {
		paths = append(paths, e.Path)
	}
	for _, want := range []string{"etc/ssl/cert.pem", "etc/passwd", "usr/share/zoneinfo/Europe/Berlin", "tmp/", Cache[1:] + "/", Settings[1:] + "/", Programs[1:] + "/", Home[1:] + "/"} {
		if !slices.Contains(paths, want) {
			t.Errorf("no %s in %v", want, paths)
		}
	}
	if sorted := slices.Sorted(slices.Values(paths)); len(slices.Compact(sorted)) != len(paths) {
		t.Error("a path is there twice")
	}
}

func TestWhatIsNoZipOfTimeZonesIsRefused(t *testing.T) {
	if _, err := Base([]byte("none")); err == nil || !strings.Contains(err.Error(), "time zones") {
		t.Errorf("got %v", err)
	}
}

func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, file := range files {
		if _, err := w.Create(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
