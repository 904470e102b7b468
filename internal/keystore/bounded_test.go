package keystore

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"
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
		if isJKS(store) || bounded(store) != nil {
			t.Errorf("%s is refused: %v", name, bounded(store))
		}
		p, _, err := openPFX(store)
		if err != nil {
			continue // no store
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
