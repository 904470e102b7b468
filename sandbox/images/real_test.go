package images_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lockstep/sandbox/images"
)

func TestImagesForARealNodeHoldWhatRuns(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("images of a real node are made of this machine's programs, which are Linux's there")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, program := range []string{"envoy-gateway-1.7", "envoy-1.37"} {
		if err := os.Symlink(self, filepath.Join(bin, program)); err != nil {
			t.Fatal(err)
		}
	}
	host := serve(t)
	programs := images.Programs{Bin: bin, Sandbox: self, Busybox: self, Bash: self, Pause: "registry.lockstep.test/pause:1"}
	if err := images.PushReal(t.Context(), host, programs); err != nil {
		t.Fatal(err)
	}
	for image, want := range map[string][]string{
		"wso2/wso2is:7.2.0": {"bin/sh", "bin/nc", "usr/local/lib/sandbox/sandbox", "home/wso2carbon/docker-entrypoint.sh", "home/wso2carbon/wso2is-7.2.0/bin/wso2server.sh"},
		"wso2/wso2am:4.7.0": {"bin/bash", "home/wso2carbon/wso2am-4.7.0/bin/api-manager.sh"},
		"pause:1":           {"bin/sleep"},

		"envoyproxy/gateway:v1.7.0":           {"usr/local/bin/envoy-gateway"},
		"envoyproxy/envoy:distroless-v1.37.0": {"usr/local/bin/envoy", "etc/passwd"},
	} {
		files := filesOf(t, host, image)
		for _, path := range want {
			if _, found := files[path]; !found {
				t.Errorf("%s has no %s", image, path)
			}
		}
	}
	script := filesOf(t, host, "wso2/wso2is:7.2.0")["home/wso2carbon/wso2is-7.2.0/bin/wso2server.sh"]
	if !strings.Contains(script, "exec /usr/local/lib/sandbox/sandbox simulate wso2is\n") {
		t.Errorf("the server's script is %q", script)
	}
	config, err := remote.Image(tag(t, host, "wso2/wso2am:4.7.0"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := config.ConfigFile()
	if err != nil || !slices.Contains(file.Config.Env, "SANDBOX_REAL=1") {
		t.Errorf("the image's environment is %v, %v", file.Config.Env, err)
	}
	programs.Bin = t.TempDir()
	if err := images.PushReal(t.Context(), host, programs); err == nil || !strings.Contains(err.Error(), "make gateway") {
		t.Errorf("without the gateway's programs it says: %v", err)
	}
}

// filesOf are small files of an image by path; links and large files have no text.
func filesOf(t *testing.T, host, image string) map[string]string {
	t.Helper()
	found, err := remote.Image(tag(t, host, image))
	if err != nil {
		t.Fatal(err)
	}
	contents := mutate.Extract(found)
	defer contents.Close()
	files := map[string]string{}
	for archive := tar.NewReader(contents); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		if header.Size < 1<<10 {
			raw, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			text = string(raw)
		}
		files[header.Name] = text
	}
}
