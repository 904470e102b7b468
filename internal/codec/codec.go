// Package codec encrypts what Temporal stores of an operation: inputs, results, memos, summaries, heartbeats and error texts. It is the
// second wall: none of them holds a secret in the first place.
package codec

import (
	"crypto/rand"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// Metadata of an encrypted payload.
const (
	// Encoding marks a payload as encrypted.
	Encoding = "binary/encrypted"
	// KeyID is the metadata field that names the key.
	KeyID = "encryption-key-id"
)

// Codec encrypts payloads, their metadata included, with AES-256-GCM under the current key and decrypts those of every key it has. The
// nonce is random and precedes the ciphertext; the key's id is authenticated with it. A random nonce is safe for 2^32 payloads of
// one key (NIST SP 800-38D, 8.3), which is tens of millions of operations.
type Codec struct{ keys Keys }

var _ converter.PayloadCodec = (*Codec)(nil)

// New makes a codec of keys. Of the zero [Keys] it makes one that encrypts nothing and cannot decrypt.
func New(keys Keys) *Codec { return &Codec{keys} }

// Encode encrypts payloads with the current key, except those that are encrypted already.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if len(c.keys.byID) == 0 {
		return payloads, nil
	}
	return each(payloads, c.encrypt)
}

// Decode decrypts what was encrypted, and leaves the rest as it is: the Temporal UI sends plain inputs.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, c.decrypt)
}

func each(payloads []*commonpb.Payload, change func(*commonpb.Payload) (*commonpb.Payload, error)) ([]*commonpb.Payload, error) {
	changed := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		var err error
		if changed[i], err = change(p); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

func (c *Codec) encrypt(p *commonpb.Payload) (*commonpb.Payload, error) {
	if isEncrypted(p) {
		return p, nil
	}
	plain, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encrypting a payload: %w", err)
	}
	id := c.keys.current
	aead := c.keys.byID[id]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("encrypting a payload: %w", err)
	}
	return &commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(Encoding), KeyID: []byte(id)},
		Data:     aead.Seal(nonce, nonce, plain, []byte(id)),
	}, nil
}

func (c *Codec) decrypt(p *commonpb.Payload) (*commonpb.Payload, error) {
	if !isEncrypted(p) {
		return p, nil
	}
	id := string(p.GetMetadata()[KeyID])
	aead, known := c.keys.byID[id]
	if !known {
		return nil, fmt.Errorf("decrypting a payload: %w", c.keys.missing(id))
	}
	if len(p.GetData()) < aead.NonceSize() {
		return nil, fmt.Errorf("decrypting a payload: it was cut to %d bytes: read it from Temporal again", len(p.GetData()))
	}
	nonce, sealed := p.GetData()[:aead.NonceSize()], p.GetData()[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, sealed, []byte(id))
	if err != nil {
		return nil, fmt.Errorf("decrypting a payload: it was altered, or key %q is another one here than where it was encrypted: compare the files of that name", id)
	}
	var decrypted commonpb.Payload
	if err := proto.Unmarshal(plain, &decrypted); err != nil {
		return nil, fmt.Errorf("decrypting a payload: %w", err)
	}
	return &decrypted, nil
}

func isEncrypted(p *commonpb.Payload) bool {
	return string(p.GetMetadata()[converter.MetadataEncoding]) == Encoding
}
