package rootfs

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"lockstep/sandbox/node/rootfs/rootfstest"
)

func TestAnImageUnpacksInsideItsDirectory(t *testing.T) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, entry := range []tar.Header{
		{Name: "./home/", Typeflag: tar.TypeDir, Mode: 0o555},
		{Name: "home/start.sh", Typeflag: tar.TypeReg, Mode: 0o755, Uid: 802},
		{Name: "home/secret", Typeflag: tar.TypeReg, Mode: 0o040},
		{Name: "home/again", Typeflag: tar.TypeLink, Linkname: "/home/start.sh"},
		{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "/usr/bin"},
		{Name: "usr/lib/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/config"},
		{Name: "../../outside", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "dev/null", Typeflag: tar.TypeChar},
	} {
		if err := writer.WriteHeader(&entry); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "rootfs")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Unpack(&archive, dir); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bin -> usr/bin", "dev drwxr-xr-x",
		"home drwxr-xr-x", "home/again -rwxr-xr-x ", "home/secret -rw-r----- ", "home/start.sh -rwxr-xr-x ",
		"outside -rw-r--r-- ",
		"usr drwxr-xr-x", "usr/lib drwxr-xr-x", "usr/lib/link -> ../../etc/config",
	}
	if diff := cmp.Diff(want, rootfstest.Tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := Copy(dir, copied); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rootfstest.Tree(t, copied)); diff != "" {
		t.Errorf("copy (-want +got):\n%s", diff)
	}
}

func TestMountsAreLaidOutAsThePodWouldSeeThem(t *testing.T) {
	dir := t.TempDir()
	root, stores, scratch := filepath.Join(dir, "rootfs"), filepath.Join(dir, "stores"), filepath.Join(dir, "scratch")
	for path, content := range map[string]string{
		root + "/conf/deployment.toml": "image", root + "/conf/other.toml": "image", root + "/logs/old.log": "image",
		stores + "/primary.jks": "primary", stores + "/sub/tls.jks": "tls", scratch + "/shared": "shared",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o440); err != nil {
			t.Fatal(err)
		}
	}
	err := Mount(root, map[string]string{"stores": stores, "scratch": scratch}, map[string]bool{"scratch": true}, []corev1.VolumeMount{
		{Name: "stores", MountPath: "/security/inner/primary.jks", SubPath: "primary.jks"}, // inside the next one
		{Name: "stores", MountPath: "/security/inner"},
		{Name: "stores", MountPath: "/conf/deployment.toml", SubPath: "sub/tls.jks"},
		{Name: "stores", MountPath: "/security/missing.jks", SubPath: "missing.jks"},
		{Name: "scratch", MountPath: "/logs"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"conf drwxr-xr-x", "conf/deployment.toml -r--r----- tls", "conf/other.toml -r--r----- image",
		"logs -> " + scratch,
		"security drwxr-xr-x", "security/inner drwxr-xr-x", "security/inner/primary.jks -r--r----- primary",
		"security/inner/sub drwxr-xr-x", "security/inner/sub/tls.jks -r--r----- tls",
		"security/missing.jks drwxr-xr-x",
	}
	if diff := cmp.Diff(want, rootfstest.Tree(t, root)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	onto := []corev1.VolumeMount{{Name: "stores", MountPath: "/conf/other.toml"}}
	if err := Mount(root, map[string]string{"stores": stores}, nil, onto); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a directory onto a file: %v", err)
	}
}
