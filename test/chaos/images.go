package chaos

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// target is the repository of the image that deployments push.
const target = "wso2is-km"

// registryOf is a part of a fingerprint: tags with their digests, and the manifests of the images that deployments pushed.
func (s *site) registryOf(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	for tag, digest := range s.Tags(t) {
		found["tag "+tag] = digest
	}
	for _, manifest := range s.Manifests(t) {
		if strings.HasPrefix(manifest, target+"@") {
			found["manifest "+manifest] = "there"
		}
	}
	return found
}

// forgetImages removes what deployments pushed, so that the next one pushes again.
func (s *site) forgetImages(t testing.TB) {
	t.Helper()
	repository := "http://" + s.Sandbox().Registry + "/v2/" + target
	for name, digest := range s.registryOf(t) {
		if tag, is := strings.CutPrefix(name, "tag "+target+":"); is {
			s.forgetBlobs(t, repository, digest)
			s.remove(t, repository+"/manifests/"+tag)
		}
		if digest, is := strings.CutPrefix(name, "manifest "+target+"@"); is {
			s.remove(t, repository+"/manifests/"+digest)
		}
	}
}

// forgetBlobs removes what an image has beside its base: configuration and last layer.
func (s *site) forgetBlobs(t testing.TB, repository, digest string) {
	t.Helper()
	var manifest struct {
		Manifests []struct{ Digest string }
		Config    struct{ Digest string }
		Layers    []struct{ Digest string }
	}
	response, err := http.Get(repository + "/manifests/" + digest)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return // it is gone already
	}
	if err := json.Unmarshal(body, &manifest); err != nil {
		t.Fatal(err)
	}
	for _, one := range manifest.Manifests {
		s.forgetBlobs(t, repository, one.Digest)
	}
	if n := len(manifest.Layers); n > 0 {
		s.remove(t, repository+"/blobs/"+manifest.Config.Digest)
		s.remove(t, repository+"/blobs/"+manifest.Layers[n-1].Digest)
	}
}

func (s *site) remove(t testing.TB, url string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodDelete, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close() // what is gone already, as a layer that two images share, is an error of several kinds
}
