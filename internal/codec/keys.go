package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lockstep/config/settings"
)

// keySize is that of AES-256, in bytes.
const keySize = 32

// Keys are AES-256 keys by id. The current one encrypts, all decrypt. The zero value has none.
type Keys struct {
	current string
	byID    map[string]cipher.AEAD
}

func (k Keys) ids() iter.Seq[string] { return maps.Keys(k.byID) }

// Read reads the keys of the settings. Without a folder there are none.
func Read(e settings.Encryption) (Keys, error) {
	if e.Keys == "" {
		return Keys{}, nil
	}
	return ReadKeys(e.Keys, e.Current)
}

// ReadKeys reads a folder with a file per key: the file's name is the key's id, its content 32 random bytes in base64, as of
// `openssl rand -base64 32`. A mounted Secret is such a folder. Files whose names begin with a dot are left out. With one key,
// current may be empty.
func ReadKeys(folder, current string) (Keys, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return Keys{}, fmt.Errorf("reading encryption keys: %w", err)
	}
	keys := Keys{current: current, byID: map[string]cipher.AEAD{}}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if keys.byID[entry.Name()], err = readKey(filepath.Join(folder, entry.Name())); err != nil {
			return Keys{}, err
		}
	}
	return keys, keys.choose(folder)
}

func readKey(file string) (cipher.AEAD, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading encryption key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("reading encryption key %s: want %d bytes in base64; make one with `openssl rand -base64 %d`", file, keySize, keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("reading encryption key %s: %w", file, err)
	}
	return cipher.NewGCM(block)
}

// choose settles which key encrypts.
func (k *Keys) choose(folder string) error {
	ids := slices.Sorted(k.ids())
	switch {
	case len(ids) == 0:
		return fmt.Errorf("reading encryption keys: no file in %s: put a key there, as by `openssl rand -base64 %d`", folder, keySize)
	case k.current == "" && len(ids) == 1:
		k.current = ids[0]
	case k.current == "":
		return fmt.Errorf("reading encryption keys: there are %q in %s: say with encryption.current which of them encrypts", ids, folder)
	case k.byID[k.current] == nil:
		return fmt.Errorf("reading encryption keys: encryption.current is %q, and there are only %q in %s", k.current, ids, folder)
	}
	return nil
}

// missing says what to do about a payload of a key that is not among these.
func (k Keys) missing(id string) error {
	if len(k.byID) == 0 {
		return fmt.Errorf("it was encrypted with key %q, and there are no keys here: set encryption.keys (LOCKSTEP_ENCRYPTION_KEYS) to a folder with that key", id)
	}
	return fmt.Errorf("it was encrypted with key %q, and there are only %q: add that key to the folder encryption.keys (LOCKSTEP_ENCRYPTION_KEYS) and keep it "+
		"until Temporal has deleted the last operation that used it", id, slices.Sorted(k.ids()))
}
