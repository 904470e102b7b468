package keystore

import (
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"math/big"
)

// Stores come out of Secrets that others may write. The libraries that read them reserve as much memory as a length in the store says,
// up to 4 GiB for each, and hash as often as it says: a store of some bytes ends or stops a worker. So lengths and counts are compared with
// what there is before a library sees them.

// maxIterations of a password. Java and OpenSSL write 2 048 to 10 000, careful people up to a million.
const maxIterations = 1_000_000

var (
	errCutOff    = errors.New("it is cut off, or a length in it is wrong")
	errTooOften  = errors.New("it wants its password hashed more than a million times")
	errTooNested = errors.New("its parts are nested too deep")
)

// bounded refuses a store that says of itself what it cannot be.
func bounded(store []byte) error {
	if isJKS(store) {
		return boundedJKS(store)
	}
	return boundedDER(store, 0)
}

// boundedJKS follows the lengths of a store in Java's own format to its end.
func boundedJKS(store []byte) error {
	r := lengths{rest: store}
	r.skip(4) // the magic number
	version, entries := r.number(), r.number()
	for ; entries > 0 && !r.wrong; entries-- {
		tag := r.number()
		r.text() // alias
		r.skip(8)
		certificates := uint32(1)
		if tag == 1 {
			r.skip(int(r.number())) // the encrypted key
			certificates = r.number()
		}
		for ; certificates > 0 && !r.wrong; certificates-- {
			if version == 2 {
				r.text() // its type
			}
			r.skip(int(r.number()))
		}
	}
	if r.wrong {
		return errCutOff
	}
	return nil
}

// lengths reads what says how long the next thing is.
type lengths struct {
	rest  []byte
	wrong bool
}

func (l *lengths) skip(n int) {
	if n < 0 || n > len(l.rest) {
		l.wrong, l.rest = true, nil
		return
	}
	l.rest = l.rest[n:]
}

func (l *lengths) number() uint32 {
	at := l.rest
	if l.skip(4); l.wrong {
		return 0
	}
	return binary.BigEndian.Uint32(at)
}

func (l *lengths) text() {
	at := l.rest
	if l.skip(2); !l.wrong {
		l.skip(int(binary.BigEndian.Uint16(at)))
	}
}

// boundedDER looks for counts of iterations in all that is not encrypted: they follow a salt, whatever the algorithm is.
func boundedDER(der []byte, depth int) error {
	if depth > 32 {
		return errTooNested
	}
	afterSalt := false
	for len(der) > 0 {
		var part asn1.RawValue
		rest, err := asn1.Unmarshal(der, &part)
		if err != nil {
			return nil // the library's to say
		}
		universal := part.Class == asn1.ClassUniversal
		if afterSalt && universal && part.Tag == asn1.TagInteger && new(big.Int).SetBytes(part.Bytes).Cmp(big.NewInt(maxIterations)) > 0 {
			return errTooOften
		}
		afterSalt = universal && part.Tag == asn1.TagOctetString
		if part.IsCompound || afterSalt { // octets hold more of it
			if err := boundedDER(part.Bytes, depth+1); err != nil {
				return err
			}
		}
		der = rest
	}
	return nil
}
