package carbon

import (
	"crypto/rand"
	"fmt"
)

// UUID is a random identifier as Java's UUID.randomUUID makes it.
func UUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Secret is a random client identifier or secret.
func Secret() string { return rand.Text() }
