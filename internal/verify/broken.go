package verify

import "fmt"

// Broken is a link of the arc that does not hold although both products answer.
type Broken struct{ text string }

func (b *Broken) Error() string { return b.text }

func broken(format string, args ...any) error { return &Broken{fmt.Sprintf(format, args...)} }
