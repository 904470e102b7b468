package keystore

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// go-pkcs12 writes no friendlyName for a private key, and Java calls such a key "1". What follows adds the attribute to
// the key's bag and authenticates the store anew. Types are those of RFC 7292.

type pfx struct {
	Version  int
	AuthSafe contentInfo
	MacData  macData `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

type macData struct {
	Mac struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	Salt       []byte
	Iterations int `asn1:"optional,default:1"`
}

type safeBag struct {
	ID         asn1.ObjectIdentifier
	Value      asn1.RawValue `asn1:"tag:0,explicit"`
	Attributes []attribute   `asn1:"set,optional"`
}

type attribute struct {
	ID    asn1.ObjectIdentifier
	Value asn1.RawValue `asn1:"set"`
}

// setKeyAlias names the private key of a PKCS12 store that go-pkcs12 encoded with a SHA-256 MAC.
func setKeyAlias(store []byte, alias, password string) ([]byte, error) {
	p, safes, err := openPFX(store)
	if err != nil {
		return nil, err
	}
	named := false
	for i := range safes {
		err := editBags(&safes[i], func(bag *safeBag) {
			if bag.ID.Equal(oidShroudedKeyBag()) {
				bag.Attributes = append(bag.Attributes, friendlyName(alias))
				named = true
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if !named {
		return nil, errors.New("no private key found")
	}
	return sealPFX(p, safes, password)
}

// keyAlias reads back the friendlyName of a store's private key; empty if it has none.
func keyAlias(store []byte) string {
	_, safes, err := openPFX(store)
	if err != nil {
		return ""
	}
	alias := ""
	for i := range safes {
		_ = editBags(&safes[i], func(bag *safeBag) {
			if bag.ID.Equal(oidShroudedKeyBag()) {
				alias = bag.friendlyName()
			}
		})
	}
	return alias
}

func openPFX(store []byte) (*pfx, []contentInfo, error) {
	p := new(pfx)
	if err := unmarshal(store, p); err != nil {
		return nil, nil, fmt.Errorf("reading PKCS12: %w", err)
	}
	var authenticated []byte
	if err := unmarshal(p.AuthSafe.Content.Bytes, &authenticated); err != nil {
		return nil, nil, fmt.Errorf("reading PKCS12 contents: %w", err)
	}
	var safes []contentInfo
	if err := unmarshal(authenticated, &safes); err != nil {
		return nil, nil, fmt.Errorf("reading PKCS12 contents: %w", err)
	}
	return p, safes, nil
}

// editBags changes the bags of a safe that is not encrypted as a whole; others it leaves alone.
func editBags(safe *contentInfo, edit func(*safeBag)) error {
	if !safe.Type.Equal(oidData()) {
		return nil
	}
	bags, err := bagsOf(*safe)
	if err != nil {
		return err
	}
	for i := range bags {
		edit(&bags[i])
	}
	contents, err := asn1.Marshal(bags)
	if err != nil {
		return fmt.Errorf("writing PKCS12 bags: %w", err)
	}
	safe.Content, err = explicitOctets(contents)
	return err
}

// bagsOf are the bags of a safe that is not encrypted; others have none that can be seen.
func bagsOf(safe contentInfo) (bags []safeBag, err error) {
	if !safe.Type.Equal(oidData()) {
		return nil, nil
	}
	var contents []byte
	if err := unmarshal(safe.Content.Bytes, &contents); err != nil {
		return nil, fmt.Errorf("reading a PKCS12 safe: %w", err)
	}
	if err := unmarshal(contents, &bags); err != nil {
		return nil, fmt.Errorf("reading PKCS12 bags: %w", err)
	}
	return bags, nil
}

func sealPFX(p *pfx, safes []contentInfo, password string) ([]byte, error) {
	authenticated, err := asn1.Marshal(safes)
	if err != nil {
		return nil, fmt.Errorf("writing PKCS12 contents: %w", err)
	}
	if p.AuthSafe.Content, err = explicitOctets(authenticated); err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, macKey(password, p.MacData.Salt, p.MacData.Iterations))
	mac.Write(authenticated)
	p.MacData.Mac.Digest = mac.Sum(nil)
	return asn1.Marshal(*p)
}

// macKey derives the MAC's key (RFC 7292, appendix B.2) for SHA-256. Its 32 bytes are one block of the hash, so that the
// derivation is the plain iterated hash of diversifier, salt and password.
func macKey(password string, salt []byte, iterations int) []byte {
	const block, macPurpose = 64, 3
	secret := binary.BigEndian.AppendUint16(bmp(password), 0)
	input := bytes.Repeat([]byte{macPurpose}, block)
	input = append(input, repeatTo(salt, block)...)
	input = append(input, repeatTo(secret, block)...)
	sum := sha256.Sum256(input)
	for range iterations - 1 {
		sum = sha256.Sum256(sum[:])
	}
	return sum[:]
}

// repeatTo repeats b up to the next multiple of block bytes.
func repeatTo(b []byte, block int) []byte {
	n := (len(b) + block - 1) / block * block
	return bytes.Repeat(b, n/max(len(b), 1)+1)[:n]
}

func friendlyName(alias string) attribute {
	value, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagBMPString, Bytes: bmp(alias)})
	if err != nil {
		panic("keystore: encoding a string: " + err.Error()) // cannot happen: the bytes are plain contents
	}
	return attribute{ID: oidFriendlyName(), Value: asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: value}}
}

func (b *safeBag) friendlyName() string {
	for _, a := range b.Attributes {
		var name asn1.RawValue
		if a.ID.Equal(oidFriendlyName()) && unmarshal(a.Value.Bytes, &name) == nil {
			return fromBMP(name.Bytes)
		}
	}
	return ""
}

func bmp(s string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		out = binary.BigEndian.AppendUint16(out, unit)
	}
	return out
}

func fromBMP(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, binary.BigEndian.Uint16(b))
	}
	return string(utf16.Decode(units))
}

func explicitOctets(contents []byte) (asn1.RawValue, error) {
	octets, err := asn1.Marshal(contents)
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("writing PKCS12: %w", err)
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: octets}, nil
}

func unmarshal(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = errors.New("trailing data")
	}
	return err
}

func oidData() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1} }

func oidEncryptedData() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
}

func oidFriendlyName() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
}

func oidSHA256() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1} }

func oidKeyBag() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
}

func oidShroudedKeyBag() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
}
