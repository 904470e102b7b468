package validation

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"lockstep/config"
	"lockstep/config/bounds"
)

// Limits of those who keep what an environment says.
const (
	// temporalLimit is what Temporal takes as one input (limit.blobSize.error), without what stands beside the environment in it.
	temporalLimit = 2<<20 - 64<<10
	// helmLimit is what Kubernetes takes as a Secret; Helm keeps a release in one.
	helmLimit = 1 << 20
)

// Size is how large something of an environment is where it is kept, and how large it may be.
type Size struct {
	// What it is, as "environment" or "apiManager.values".
	What string `json:"what"`
	// Bytes it takes there.
	Bytes int `json:"bytes"`
	// Limit is the most bytes that are taken there.
	Limit int `json:"limit"`
	// Of is whose limit that is.
	Of string `json:"of"`
}

// String is the size for people.
func (s Size) String() string {
	return fmt.Sprintf("%s: %d KiB of the %d KiB that %s takes", s.What, (s.Bytes+1023)>>10, s.Limit>>10, s.Of)
}

// Sizes are those of an environment that somebody limits: of itself as an operation gets it, which is a document like a file, and of each product's values, compressed as
// Helm keeps them, with what the chart writes into its manifest as it is.
func Sizes(e config.Environment) []Size {
	return []Size{
		{"environment", sizeOf(e.AsWritten()), bounds.MaxDocument, "an operation"},
		{"identityServer.values", compressed(e.IdentityServer.Values, config.ISExtraConfigs), helmLimit, "Helm"},
		{"apiManager.values", compressed(e.APIManager.Values, config.APIMExtraConfigs), helmLimit, "Helm"},
	}
}

func sizeOf(value any) int {
	text, err := json.Marshal(value)
	if err != nil { // it came from JSON
		return 0
	}
	return len(text)
}

func compressed(values config.Values, rendered string) int {
	if len(values) == 0 {
		return 0
	}
	var size counter
	zip, _ := gzip.NewWriterLevel(&size, gzip.BestCompression) // as Helm does
	_ = json.NewEncoder(zip).Encode(values)
	_, _ = io.WriteString(zip, values.Text(rendered))
	_ = zip.Close()
	return base64.StdEncoding.EncodedLen(int(size))
}

// counter counts what is written.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// checkSizes refuses before anything is touched what Temporal or Helm would refuse later.
func checkSizes(e config.Environment) (found problems) {
	whole := Size{"environment", sizeOf(e), temporalLimit, "Temporal"} // with what is the cluster's
	for _, size := range append(Sizes(e), whole) {
		if size.Bytes > size.Limit {
			found.size(size, "is larger than "+size.Of+" takes", "shorten its values")
		}
	}
	return found
}

// warnSizes speaks of what may not fit beside what else is kept with it: of a release also its chart and what is rendered.
func warnSizes(e config.Environment) (found problems) {
	for _, size := range Sizes(e) {
		if size.Bytes > size.Limit/2 {
			found.size(size, "is more than half of what "+size.Of+" takes, and more is kept with it", "shorten its values if an operation is refused for its size")
		}
	}
	return found
}

func (p *problems) size(size Size, message, next string) {
	_, amount, _ := strings.Cut(size.String(), ": ")
	p.Add(size.What, amount, message, next)
}
