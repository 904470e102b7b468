// Package prior keeps what things were before an operation changes them, so that an undo puts them back. What is kept is stripped of
// what the server writes, packed, and carried by what fits: an annotation of a CRD, the data of a Secret beside a release's records,
// a copy of a Secret that is renewed. It is marked with the run, written before the change, and forgotten after the undo or the good end.
//
// Who carries what, and why, is in docs/decisions/0012-undo-without-a-trace.md.
package prior

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Strip is an object without what the server and its controllers write. It may be applied or compared. The object stays as it is.
func Strip(object map[string]any) map[string]any {
	copied := runtime.DeepCopyJSON(object)
	delete(copied, "status")
	metadata, _ := copied["metadata"].(map[string]any)
	for _, field := range []string{
		"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink",
		"deletionTimestamp", "deletionGracePeriodSeconds", "finalizers",
	} {
		delete(metadata, field)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	maps.DeleteFunc(annotations, func(name string, _ any) bool {
		return slices.ContainsFunc(controllers(), func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
	return copied
}

// controllers are the prefixes of annotations that Kubernetes' controllers write.
func controllers() []string {
	return []string{"deployment.kubernetes.io/", "pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/"}
}

// Pack writes a value small: the largest CRD would not fit into its own annotations.
func Pack(value any) ([]byte, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed) // writing to a buffer does not fail
	_, _ = w.Write(data)
	_ = w.Close()
	return packed.Bytes(), nil
}

// Unpack reads what [Pack] wrote. Whole numbers stay whole.
func Unpack(packed []byte, into any) error {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("unpacking prior state: %w", err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("unpacking prior state: %w", err)
	}
	return utiljson.Unmarshal(data, into)
}
