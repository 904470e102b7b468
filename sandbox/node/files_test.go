package node

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
)

type silentRecorder struct{}

func (silentRecorder) Event(runtime.Object, string, string, string)          {}
func (silentRecorder) Eventf(runtime.Object, string, string, string, ...any) {}
func (silentRecorder) AnnotatedEventf(runtime.Object, map[string]string, string, string, string, ...any) {
}

// tree lists what is below dir: path, mode and content or target.
func tree(t *testing.T, dir string) []string {
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
	if err := unpack(&archive, dir); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bin -> usr/bin", "dev drwxr-xr-x",
		"home drwxr-xr-x", "home/again -rwxr-xr-x ", "home/secret -rw-r----- ", "home/start.sh -rwxr-xr-x ",
		"outside -rw-r--r-- ",
		"usr drwxr-xr-x", "usr/lib drwxr-xr-x", "usr/lib/link -> ../../etc/config",
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := copyTree(dir, copied); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, tree(t, copied)); diff != "" {
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
	err := layOut(root, map[string]string{"stores": stores, "scratch": scratch}, map[string]bool{"scratch": true}, []corev1.VolumeMount{
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
	if diff := cmp.Diff(want, tree(t, root)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	onto := []corev1.VolumeMount{{Name: "stores", MountPath: "/conf/other.toml"}}
	if err := layOut(root, map[string]string{"stores": stores}, nil, onto); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a directory onto a file: %v", err)
	}
}

func TestVolumesHoldWhatTheirSourcesSay(t *testing.T) {
	p := &pod{
		node: &node{client: fake.NewClientset(
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "stores", Namespace: "apim"}, Data: map[string][]byte{"a.jks": []byte("A"), "b.jks": []byte("B")}},
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "conf", Namespace: "apim"}, Data: map[string]string{"toml": "T"}, BinaryData: map[string][]byte{"bin": {0}}},
		)},
		object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "am-0", Namespace: "apim", Labels: map[string]string{"product": "apim"}}},
	}
	secretItems := func(optional *bool, items ...corev1.KeyToPath) corev1.VolumeSource {
		return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "stores", Items: items, Optional: optional, DefaultMode: ptr.To[int32](0o407)}}
	}
	conf := corev1.LocalObjectReference{Name: "conf"}
	for _, test := range []struct {
		name   string
		source corev1.VolumeSource
		want   []string
		err    string
	}{
		{"all keys of a secret", secretItems(nil), []string{"a.jks -r-----rwx A", "b.jks -r-----rwx B"}, ""},
		{"items with paths and modes", secretItems(nil, corev1.KeyToPath{Key: "a.jks", Path: "deep/x.jks", Mode: ptr.To[int32](0o600)}),
			[]string{"deep drwxr-xr-x", "deep/x.jks -rw------- A"}, ""},
		{"a key that is not there", secretItems(nil, corev1.KeyToPath{Key: "c.jks", Path: "c"}), nil, "references non-existent secret key: c.jks"},
		{"an optional key that is not there", secretItems(ptr.To(true), corev1.KeyToPath{Key: "c.jks", Path: "c"}), nil, ""},
		{"a config map", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: conf}}, []string{"bin -rw-r--r-- \x00", "toml -rw-r--r-- T"}, ""},
		{"a config map that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "nope"}}},
			nil, `configmap "nope" not found`},
		{"an optional one", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "nope"}, Optional: ptr.To(true)}}, nil, ""},
		{"emptyDir", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, nil, ""},
		{"a service account's", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
		}}}, []string{"namespace -rw-r--r-- apim"}, ""},
		{"labels", corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}}}}}, []string{`labels -rw-r--r-- product="apim"`}, ""},
		{"a host path", corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}, nil, "no volumes of this type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "volume")
			for range 2 { // an attempt may follow another
				err := p.setUpVolume(t.Context(), corev1.Volume{VolumeSource: test.source}, dir)
				if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
					t.Fatalf("got %v, want %q", err, test.err)
				}
			}
			if diff := cmp.Diff(test.want, tree(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImagesAreFoundByTagAndDigestWhateverTheirHost(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, 0))))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	first := pushImage(t, address+"/wso2/wso2is:7.2.0", "first")
	store := newImageStore(t.TempDir(), address)

	if _, ok := store.local("wso2/wso2is:7.2.0"); ok {
		t.Error("an image is there before its pull")
	}
	for _, reference := range []string{"wso2/wso2is:7.2.0", "docker.io/wso2/wso2is:7.2.0", "registry.example.com:5000/wso2/wso2is@" + first} {
		pulled, err := store.pull(t.Context(), reference)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(pulled.ID, "/wso2/wso2is@"+first) || pulled.Program != "wso2is" {
			t.Errorf("%s: got %+v", reference, pulled)
		}
		if content, err := os.ReadFile(filepath.Join(pulled.rootfs, "etc/release")); err != nil || string(content) != "first" {
			t.Errorf("%s: content %q, %v", reference, content, err)
		}
	}

	second := pushImage(t, address+"/wso2/wso2is:7.2.0", "second")
	kept, ok := newImageStore(store.dir, address).local("wso2/wso2is:7.2.0")
	if !ok || !strings.HasSuffix(kept.ID, first) {
		t.Errorf("the tag moved: the node has %s (%v), want the first image, also after a restart", kept.ID, ok)
	}
	pulled, err := store.pull(t.Context(), "wso2/wso2is:7.2.0")
	if err != nil || !strings.HasSuffix(pulled.ID, second) {
		t.Errorf("pulled again: got %s, %v, want the second image", pulled.ID, err)
	}
	if _, err := store.pull(t.Context(), "wso2/wso2is:7.3.0"); err == nil || !strings.HasSuffix(err.Error(), "wso2/wso2is:7.3.0: not found") {
		t.Errorf("a missing image: %v", err)
	}
}

func pushImage(t *testing.T, reference, content string) (digest string) {
	t.Helper()
	ref, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	files, err := crane.Image(map[string][]byte{"etc/release": []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.Config(files, v1.Config{Labels: map[string]string{programLabel: "wso2is"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	hash, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return hash.String()
}
