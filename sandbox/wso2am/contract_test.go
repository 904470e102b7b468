package wso2am_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lockstep/sandbox/carbon/contract"
)

var specs = struct {
	sync.Mutex
	loaded map[string]*contract.Spec
}{loaded: map[string]*contract.Spec{}}

// specOnce loads a file once per process: the publisher's takes a second.
func specOnce(file string) (*contract.Spec, error) {
	specs.Lock()
	defer specs.Unlock()
	if spec, ok := specs.loaded[file]; ok {
		return spec, nil
	}
	spec, err := contract.Load(file)
	if err == nil {
		specs.loaded[file] = spec
	}
	return spec, err
}

// deviates knows where API Manager itself is not what its specification says: keyManagers of an API is an array, not an
// object, and a revision is deployed with a 201, not a 200 (WSO2's own tests assert it).
func deviates(r *http.Request, status int, body []byte) ([]byte, bool) {
	if strings.HasSuffix(r.URL.Path, "/deploy-revision") && status == http.StatusCreated {
		return nil, true
	}
	if !strings.HasPrefix(r.URL.Path, "/api/am/publisher/v4/apis") {
		return body, false
	}
	object := map[string]any{}
	if json.Unmarshal(body, &object) != nil || object["keyManagers"] == nil {
		return body, false
	}
	delete(object, "keyManagers")
	changed, err := json.Marshal(object)
	return changed, err != nil
}

// WSO2's own integration tests register key managers with these payloads.
func TestPayloadsOfWSO2sOwnTestsAreAccepted(t *testing.T) {
	folder, err := contract.Folder()
	if err != nil {
		t.Skip(err)
	}
	w := newWorld(t, options{})
	w.login(allScopes)
	for _, name := range []string{"wso2is7.json", "wso2is7-config-minimal.json", "wso2is7-config-roles-creation.json", "wso2is7-mtls.json", "wso2is7-pem.json"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(folder, "..", "key-manager-payloads", name))
			if err != nil {
				t.Skip(err)
			}
			var payload map[string]any
			if err := json.Unmarshal([]byte(strings.NewReplacer("${UNIQUE:", "", "}\",", "\",").Replace(string(data))), &payload); err != nil {
				t.Fatal(err)
			}
			w.t = t
			w.expect(201, "POST", adminAPI+"/key-managers", payload)
		})
	}
	w.t = t
}
