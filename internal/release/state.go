package release

import (
	"encoding/json"
	"reflect"
	"strings"
)

// State is a release as it is. Workflows keep it, to go back to.
type State struct {
	Exists      bool   `json:"exists,omitempty"`      // false also for what an uninstallation left; the other fields then say what that is
	Revision    int    `json:"revision,omitempty"`    // the last one
	Status      string `json:"status,omitempty"`      // Helm's: deployed, failed, pending-upgrade, …
	Chart       string `json:"chart,omitempty"`       // chart name
	Version     string `json:"version,omitempty"`     // chart version
	Digest      string `json:"digest,omitempty"`      // sha256:<hex> of the chart; empty if no revision of the release was made by Lockstep
	Fingerprint string `json:"fingerprint,omitempty"` // what Lockstep asked for last; empty if no revision of the release was made by Lockstep
	Owner       string `json:"owner,omitempty"`       // [Spec.Owner] of its last revision
	// Deployed is the revision that Helm has marked as deployed, if that is not this one; 0 if none is.
	Deployed int `json:"deployed,omitempty"`
	// Missing names the objects of this revision that were not in the cluster.
	Missing Names `json:"missing,omitempty"`
	// Workloads names the Deployments of this revision that were in the cluster.
	Workloads Names `json:"workloads,omitempty"`
	// Behind names the objects that an unfinished revision had not come to: they were as Deployed has them.
	Behind Names `json:"behind,omitempty"`
	// Installed is when its first revision was made, in RFC 3339. Revisions count from 1 again after an uninstallation:
	// only this tells two installations apart.
	Installed string `json:"installed,omitempty"`
}

// IsZero says whether there is no record of the release at all.
func (s State) IsZero() bool { return reflect.ValueOf(s).IsZero() }

// Names are names of objects.
type Names []string

// UnmarshalJSON also reads the form of histories that began before lists were kept as lists: one string, with commas.
func (n *Names) UnmarshalJSON(data []byte) error {
	var list []string
	if err := json.Unmarshal(data, &list); err == nil {
		*n = list
		return nil
	}
	var joined string
	if err := json.Unmarshal(data, &joined); err != nil {
		return err
	}
	*n = nil
	for _, name := range strings.Split(joined, ",") {
		if name = strings.TrimSpace(name); name != "" {
			*n = append(*n, name)
		}
	}
	return nil
}
