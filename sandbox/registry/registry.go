// Package registry serves what the sandbox's environments pull: container images and OCI charts from a real OCI
// registry, charts from an HTTP chart repository and the notification handler from a Maven repository, all on loopback.
package registry

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"lockstep/sandbox/fault"
)

// Handler is an OCI registry that keeps its blobs in dir, not in memory. It takes pushes, pulls and deletions from
// anybody; manifests live as long as the handler. Every request goes to requests, see [ReadLog]; faults is
// a file of them, see package fault.
func Handler(dir string, requests io.Writer, faults string) (http.Handler, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making blob folder: %w", err)
	}
	oci := ggcr.New(
		ggcr.WithBlobHandler(ggcr.NewDiskBlobHandler(dir)),
		ggcr.WithReferrersSupport(true),
		ggcr.Logger(log.New(io.Discard, "", 0)),
	)
	return logged(requests, fault.Handler(faults, fault.Registry, oci)), nil
}

// LogFile is where the registry of the sandbox in dir logs its requests.
func LogFile(dir string) string { return filepath.Join(dir, "logs", "registry-requests.log") }
