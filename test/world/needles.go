package world

import (
	"bytes"
	"encoding/binary"
)

// needles are values to be found in large texts, all in one pass: by their first eight bytes. None may be shorter.
type needles struct {
	byStart map[uint64][]needle
	maybe   []bool // by hash of a start, since most places of a text begin no needle
}

type needle struct {
	name  string
	value []byte
}

const hashBits = 16

func newNeedles(values map[string][]byte) needles {
	n := needles{byStart: map[uint64][]needle{}, maybe: make([]bool, 1<<hashBits)}
	for name, value := range values {
		start := binary.LittleEndian.Uint64(value)
		n.byStart[start] = append(n.byStart[start], needle{name, value})
		n.maybe[hash(start)] = true
	}
	return n
}

// hash is Fibonacci's: the upper bits of a product depend on all bits of the factor.
func hash(start uint64) uint64 { return start * 0x9e3779b97f4a7c15 >> (64 - hashBits) }

// in names the needles that a text holds.
func (n needles) in(text []byte) (names []string) {
	for i := 0; i+8 <= len(text); i++ {
		start := binary.LittleEndian.Uint64(text[i:])
		if !n.maybe[hash(start)] {
			continue
		}
		for _, one := range n.byStart[start] {
			if bytes.HasPrefix(text[i:], one.value) {
				names = append(names, one.name)
			}
		}
	}
	return names
}
