// Package bounds says how much a document may have that a person wrote, before anybody looks at what it says.
package bounds

import "fmt"

// What a document that a person wrote does not need more of. Without bounds a few bytes of aliases fill the memory or the stack, and
// a long key above many values is as many long paths.
const (
	// MaxDocument is the most bytes that a document may have, aliases counted as often as they are used: Temporal takes no input larger
	// than 2 MiB, and Helm no release much larger than 1 MiB.
	MaxDocument = 1 << 20
	maxDepth    = 64
	maxValues   = 100_000
	maxPath     = 1000
	maxPaths    = 4 << 20
)

// Counter counts what is in a document. The zero Counter has counted nothing.
type Counter struct {
	// Values is the most values that there may be. 0: 100 000.
	Values              int
	values, paths, text int
}

// Add takes one more value: how deep it is, and how many bytes its path and its own text have. An answer says why the document is
// refused, and what to do.
func (b *Counter) Add(depth, path, text int) (message, next string) {
	if b.Values == 0 {
		b.Values = maxValues
	}
	b.values++
	b.paths += path
	b.text += text
	switch {
	case depth > maxDepth:
		return fmt.Sprintf("is nested more than %d levels deep, or an alias refers to a value that contains it", maxDepth), "use fewer levels, and no alias of that kind"
	case path > maxPath:
		return fmt.Sprintf("has a path of more than %d characters from the top to here", maxPath), "shorten the keys above it"
	case b.values > b.Values:
		return fmt.Sprintf("has more than %d values; an alias counts as often as it is used", b.Values), "shorten it"
	case b.text > MaxDocument:
		return fmt.Sprintf("has more than %d KiB, which is more than Temporal and Helm take; an alias counts as often as it is used", MaxDocument>>10), "shorten it, or repeat less of it by aliases"
	case b.paths > maxPaths:
		return fmt.Sprintf("has too many values with long paths: the paths of the first %d have %d KiB together", b.values-1, maxPaths>>10), "shorten the keys above them, or write fewer values"
	}
	return "", ""
}
