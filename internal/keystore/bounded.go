package keystore

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
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
	return boundedPFX(store)
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

// boundedPFX looks for counts of iterations where a PKCS12 store has them, before anything is hashed: at its MAC, its encrypted safes, and
// the keys in the others. Ciphertext is left alone: by chance it says anything.
func boundedPFX(store []byte) error {
	p, safes, err := openPFX(store)
	if err != nil {
		return err
	}
	if p.MacData.Iterations > maxIterations {
		return errTooOften
	}
	if err := boundedParameters(p.MacData.Mac.Algorithm); err != nil {
		return err
	}
	for _, safe := range safes {
		if err := boundedSafe(safe); err != nil {
			return err
		}
	}
	return nil
}

// plainKeyFirst is a store whose safe with the key comes before the one that is encrypted as a whole. In there nobody sees how often a key
// wants its password hashed; but the library hashes for no second key. Java, OpenSSL and NSS put keys into no encrypted safe.
func plainKeyFirst(store []byte, password string) ([]byte, error) {
	p, safes, err := openPFX(store)
	if err != nil {
		return nil, explain(err)
	}
	if len(safes) == 2 && !safes[0].Type.Equal(oidData()) {
		if err := checkMAC(store, password); err != nil {
			return nil, explain(err)
		}
		slices.Reverse(safes)
		p.MacData.Mac.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidSHA256(), Parameters: asn1.NullRawValue}
		if store, err = sealPFX(p, safes, password); err != nil {
			return nil, err
		}
	}
	isEncrypted := func(safe contentInfo) bool { return !safe.Type.Equal(oidData()) }
	if slices.ContainsFunc(safes, isEncrypted) && (isEncrypted(safes[0]) || !hasKey(safes[0])) {
		return nil, errors.New("has no private key outside of what is encrypted as a whole: have keytool or openssl pkcs12 write it anew")
	}
	return store, nil
}

func hasKey(safe contentInfo) bool {
	bags, _ := bagsOf(safe)
	return slices.ContainsFunc(bags, func(bag safeBag) bool { return bag.ID.Equal(oidShroudedKeyBag()) || bag.ID.Equal(oidKeyBag()) })
}

// checkMAC has the library check the MAC of a store with two safes. It then says that a truststore has one, and decrypts nothing.
func checkMAC(store []byte, password string) error {
	_, err := pkcs12.DecodeTrustStore(store, password)
	if err != nil && strings.Contains(err.Error(), "items in the authenticated safe") {
		return nil
	}
	return err
}

type encryptedSafe struct {
	Version int
	Content struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte `asn1:"tag:0,optional"`
	}
}

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

func boundedSafe(safe contentInfo) error {
	if safe.Type.Equal(oidEncryptedData()) {
		var encrypted encryptedSafe
		if err := unmarshal(safe.Content.Bytes, &encrypted); err != nil {
			return fmt.Errorf("reading an encrypted PKCS12 safe: %w", err)
		}
		return boundedParameters(encrypted.Content.Algorithm)
	}
	bags, err := bagsOf(safe)
	if err != nil {
		return err
	}
	for _, bag := range bags {
		if !bag.ID.Equal(oidShroudedKeyBag()) {
			continue
		}
		var key encryptedKey
		if err := unmarshal(bag.Value.Bytes, &key); err != nil {
			return fmt.Errorf("reading a PKCS12 key: %w", err)
		}
		if err := boundedParameters(key.Algorithm); err != nil {
			return err
		}
	}
	return nil
}

// boundedParameters wants no number in them that is too large, whatever the algorithm is: they have counts, and lengths of keys.
func boundedParameters(algorithm pkix.AlgorithmIdentifier) error {
	return boundedNumbers(algorithm.Parameters.FullBytes, 0)
}

func boundedNumbers(der []byte, depth int) error {
	if depth > 32 {
		return errTooNested
	}
	for len(der) > 0 {
		var part asn1.RawValue
		rest, err := asn1.Unmarshal(der, &part)
		if err != nil {
			return nil // the library's to say
		}
		isNumber := part.Class == asn1.ClassUniversal && part.Tag == asn1.TagInteger
		if isNumber && new(big.Int).SetBytes(part.Bytes).Cmp(big.NewInt(maxIterations)) > 0 {
			return errTooOften
		}
		if part.IsCompound {
			if err := boundedNumbers(part.Bytes, depth+1); err != nil {
				return err
			}
		}
		der = rest
	}
	return nil
}
