package settings

import "strings"

// Names are several names, with commas between where they are text.
type Names []string

// UnmarshalText reads names with commas between.
func (n *Names) UnmarshalText(text []byte) error {
	*n = nil
	for name := range strings.SplitSeq(string(text), ",") {
		if name = strings.TrimSpace(name); name != "" {
			*n = append(*n, name)
		}
	}
	return nil
}
