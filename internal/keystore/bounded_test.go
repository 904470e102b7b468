package keystore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

func TestAStoreOfSomeBytesCannotTakeGigabytes(t *testing.T) {
	header := []byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00")
	huge := binary.BigEndian.AppendUint32(nil, 1<<32-1)
	for holds, store := range map[string][]byte{
		"a key of 4 GiB":              append(bytes.Clone(header), huge...),
		"a chain of 4 G certificates": append(append(bytes.Clone(header), 0, 0, 0, 0), huge...),
		"a store of 4 G entries":      append([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02"), huge...),
		"a certificate that is cut":   append(bytes.Replace(bytes.Clone(header), []byte("\x00\x00\x00\x01\x00\x01a"), []byte("\x00\x00\x00\x02\x00\x01a"), 1), "\x00\x05X.509\xff\xff\xff\xff"...),
		"nothing after the magic":     []byte("\xfe\xed\xfe\xed"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, keyErr := openKey(store, Alias, testPassword)
		_, trustErr := openTrust(store, testPassword)
		runtime.ReadMemStats(&after)
		if keyErr == nil || trustErr == nil || after.TotalAlloc-before.TotalAlloc > 1<<20 {
			t.Errorf("%s: %v, %v, %d bytes", holds, keyErr, trustErr, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

func TestAStoreCannotHaveItsPasswordHashedForHours(t *testing.T) {
	ca, err := NewCA("Hours CA", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stores, err := Make(ca, testNames(), time.Hour, testPassword)
	if err != nil {
		t.Fatal(err)
	}
	for name, store := range stores.IS {
		p, _, err := openPFX(store)
		if err != nil {
			continue // no store
		}
		if isJKS(store) || bounded(store) != nil {
			t.Errorf("%s is refused: %v", name, bounded(store))
		}
		p.MacData.Iterations = 1 << 30
		slow, err := asn1.Marshal(*p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := openTrust(slow, testPassword); err == nil || !errors.Is(bounded(slow), errTooOften) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, store := range stores.APIM {
		if err := bounded(store); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
}

func TestEveryCountOfAStoreIsBoundedAndNoCiphertextIs(t *testing.T) {
	const count = "\x02\x03\x01\x11\x70" // 70 000
	for name, c := range map[string]struct {
		encoder *pkcs12.Encoder
		counts  int
	}{"AES": {pkcs12.Modern2023, 3}, "PBMAC1": {pkcs12.Modern2026, 3}, "3DES": {pkcs12.LegacyDES, 3}, "RC2": {pkcs12.LegacyRC2, 3}} {
		ca, err := NewCA("Counts CA", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		store, err := c.encoder.WithIterations(70_000).Encode(ca.key, ca.chain[0], nil, testPassword)
		if err != nil {
			t.Fatal(err)
		}
		if err := bounded(store); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
		if _, err := openKey(store, Alias, testPassword); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		found := 0
		for at := range store {
			if !bytes.HasPrefix(store[at:], []byte(count)) {
				continue
			}
			found++
			often := bytes.Clone(store)
			copy(often[at:], "\x02\x03\x7f\xff\xff")
			if err := bounded(often); !errors.Is(err, errTooOften) {
				t.Errorf("%s, the count at %d: %v", name, at, err)
			}
		}
		if found != c.counts {
			t.Errorf("%s has %d counts", name, found)
		}
		if err := bounded(likeCounts(t, store)); err != nil {
			t.Errorf("%s with ciphertext that reads as a count is refused: %v", name, err)
		}
	}
}

// likeCounts is the store with a salt and a count for ciphertext.
func likeCounts(t *testing.T, store []byte) []byte {
	t.Helper()
	_, safes, err := openPFX(store)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(ciphertext []byte) {
		like := bytes.Clone(ciphertext)
		copy(like, "\x04\x00\x02\x04\x7f\xff\xff\xff")
		store = bytes.Replace(store, ciphertext, like, 1)
	}
	for _, safe := range safes {
		var encrypted encryptedSafe
		if safe.Type.Equal(oidEncryptedData()) && unmarshal(safe.Content.Bytes, &encrypted) == nil {
			replace(encrypted.Content.Data)
		}
		bags, _ := bagsOf(safe)
		for _, bag := range bags {
			var key encryptedKey
			if unmarshal(bag.Value.Bytes, &key) == nil {
				replace(key.Data)
			}
		}
	}
	if bytes.Count(store, []byte("\x04\x00\x02\x04\x7f\xff\xff\xff")) != 2 {
		t.Error("not all ciphertext was replaced")
	}
	return store
}

// pbes2 are the parameters of an encryption as go-pkcs12 writes them.
type pbes2 struct {
	KDF struct {
		ID     asn1.ObjectIdentifier
		Params struct {
			Salt  []byte
			Count int
			PRF   pkix.AlgorithmIdentifier
		}
	}
	Scheme struct {
		ID asn1.ObjectIdentifier
		IV []byte
	}
}

func TestAKeyInAnEncryptedSafeIsNotHashedFor(t *testing.T) {
	ca, err := NewCA("Hidden CA", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	store, err := pkcs12.Modern2023.Encode(ca.key, ca.chain[0], nil, testPassword)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openKey(store, Alias, testPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := openKey(store, Alias, "another"); err == nil || !strings.Contains(err.Error(), "does not open") {
		t.Errorf("another password: %v", err)
	}
	p, safes, err := openPFX(store)
	if err != nil {
		t.Fatal(err)
	}
	hide(t, &safes[0], safes[1])
	for says, in := range map[string][]contentInfo{"cannot be read": safes, "no private key outside": safes[:1]} {
		hostile, err := sealPFX(p, in, testPassword)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := openKey(hostile, Alias, testPassword); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d safes: %v", len(in), err)
		}
	}
}

// hide puts the key of a safe into an encrypted one, with a count that takes hours.
func hide(t *testing.T, into *contentInfo, from contentInfo) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	bags, err := bagsOf(from)
	must(err)
	var key encryptedKey
	must(unmarshal(bags[0].Value.Bytes, &key))
	var params pbes2
	must(unmarshal(key.Algorithm.Parameters.FullBytes, &params))
	params.KDF.Params.Count = 1 << 40
	key.Algorithm.Parameters.FullBytes, err = asn1.Marshal(params)
	must(err)
	der, err := asn1.Marshal(key)
	must(err)
	bags[0].Value = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
	plain, err := asn1.Marshal(bags)
	must(err)
	var encrypted encryptedSafe
	must(unmarshal(into.Content.Bytes, &encrypted))
	must(unmarshal(encrypted.Content.Algorithm.Parameters.FullBytes, &params))
	derived, err := pbkdf2.Key(sha256.New, testPassword, params.KDF.Params.Salt, params.KDF.Params.Count, 32)
	must(err)
	block, err := aes.NewCipher(derived)
	must(err)
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(plain, bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, params.Scheme.IV).CryptBlocks(plain, plain)
	encrypted.Content.Data = plain
	der, err = asn1.Marshal(encrypted)
	must(err)
	into.Content = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}
