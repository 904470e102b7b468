package codec

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"lockstep/config/settings"
)

func TestWhatIsEncodedComesBackAndShowsNothing(t *testing.T) {
	data := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), New(keys(t, "", "one")))
	sealed, err := data.ToPayload("the plain text")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed.GetData(), []byte("plain text")) || string(sealed.GetMetadata()[KeyID]) != "one" {
		t.Errorf("sealed as %v", sealed)
	}
	again, err := data.ToPayload("the plain text")
	if err != nil || bytes.Equal(again.GetData(), sealed.GetData()) {
		t.Errorf("the same text is sealed alike twice: %v", err)
	}
	var text string
	if err := data.FromPayload(sealed, &text); err != nil || text != "the plain text" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestPlainPayloadsAreAccepted(t *testing.T) {
	plain := &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte("json/plain")}, Data: []byte(`{"environment":"dev"}`)}
	decoded, err := New(keys(t, "", "one")).Decode([]*commonpb.Payload{plain})
	if err != nil || !proto.Equal(decoded[0], plain) {
		t.Errorf("got %v, %v", decoded, err)
	}
}

func TestWhatIsEncryptedIsNotEncryptedAgain(t *testing.T) {
	c := New(keys(t, "", "one"))
	once, err := c.Encode([]*commonpb.Payload{{Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := c.Encode(once); err != nil || !proto.Equal(twice[0], once[0]) {
		t.Errorf("got %v, %v", twice, err)
	}
}

func TestWithoutKeysNothingIsEncryptedAndWhatIsCannotBeRead(t *testing.T) {
	none, err := Read(settings.Encryption{})
	if err != nil {
		t.Fatal(err)
	}
	plain := []*commonpb.Payload{{Data: []byte("x")}}
	if encoded, err := New(none).Encode(plain); err != nil || !proto.Equal(encoded[0], plain[0]) {
		t.Errorf("got %v, %v", encoded, err)
	}
	sealed, err := New(keys(t, "", "one")).Encode(plain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(none).Decode(sealed); err == nil || !strings.Contains(err.Error(), `key "one", and there are no keys here: set encryption.keys (LOCKSTEP_ENCRYPTION_KEYS)`) {
		t.Errorf("got %v", err)
	}
}

func TestFailuresAreEncodedWithTheirMessageAndStack(t *testing.T) {
	data := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), New(keys(t, "", "one")))
	failures := temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: data, EncodeCommonAttributes: true})
	failure := failures.ErrorToFailure(errors.New("host am.example.com refuses"))
	if raw, err := proto.Marshal(failure); err != nil || bytes.Contains(raw, []byte("am.example.com")) {
		t.Errorf("the message shows: %v, %v", failure, err)
	}
	if err := failures.FailureToError(failure); !strings.Contains(err.Error(), "host am.example.com refuses") {
		t.Errorf("got %v", err)
	}
}

func TestKeysRotate(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "one", key(t))
	old, err := ReadKeys(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := New(old).Encode([]*commonpb.Payload{{Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, folder, "two", key(t))
	both, err := ReadKeys(folder, "two")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := New(both).Decode(sealed)
	if err != nil || string(opened[0].GetData()) != "x" {
		t.Errorf("what the old key sealed: %v, %v", opened, err)
	}
	newer, err := New(both).Encode(opened)
	if err != nil || string(newer[0].GetMetadata()[KeyID]) != "two" {
		t.Errorf("sealed with %q, %v", newer[0].GetMetadata()[KeyID], err)
	}
	if _, err := New(old).Decode(newer); err == nil || !strings.Contains(err.Error(), `key "two"`) || !strings.Contains(err.Error(), `only ["one"]`) {
		t.Errorf("without the key: %v", err)
	}
}

func TestAlteredPayloadsAreRefused(t *testing.T) {
	c := New(keys(t, "one", "one", "two"))
	for name, alter := range map[string]func(*commonpb.Payload){
		"a bit of the ciphertext": func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 },
		"the key's id":            func(p *commonpb.Payload) { p.Metadata[KeyID] = []byte("two") },
		"cut short":               func(p *commonpb.Payload) { p.Data = p.Data[:5] },
	} {
		sealed, err := c.Encode([]*commonpb.Payload{{Data: []byte("x")}})
		if err != nil {
			t.Fatal(err)
		}
		alter(sealed[0])
		if _, err := c.Decode(sealed); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestBadKeysAreRefusedWithTheNextMove(t *testing.T) {
	for name, test := range map[string]struct {
		files   map[string]string
		current string
		want    string
	}{
		"none":               {want: "openssl rand -base64 32"},
		"not base64":         {files: map[string]string{"k": "!"}, want: "k: want 32 bytes in base64"},
		"too short":          {files: map[string]string{"k": base64.StdEncoding.EncodeToString([]byte("short"))}, want: "want 32 bytes"},
		"two and no current": {files: map[string]string{"a": key(t), "b": key(t)}, want: `["a" "b"]`},
		"an unknown current": {files: map[string]string{"a": key(t)}, current: "z", want: `encryption.current is "z"`},
		"only hidden files":  {files: map[string]string{"..data": key(t)}, want: "no file"},
	} {
		folder := t.TempDir()
		for id, text := range test.files {
			write(t, folder, id, text)
		}
		if _, err := ReadKeys(folder, test.current); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func keys(t *testing.T, current string, ids ...string) Keys {
	t.Helper()
	folder := t.TempDir()
	for _, id := range ids {
		write(t, folder, id, key(t))
	}
	k, err := ReadKeys(folder, current)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func key(t *testing.T) string {
	t.Helper()
	raw := make([]byte, keySize)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw) + "\n"
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
