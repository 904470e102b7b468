package browser

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"

	"lockstep/sandbox/process"
	"lockstep/starter/api/auth"
	"lockstep/test/world"
	"lockstep/workflows"
)

// plain is in the input and the failure of the operation that the scenario starts: whoever reads it has decoded them.
const plain = "no-such-image"

// testCodec leaves a worker that encrypts.
func testCodec(t *testing.T, b *browser) {
	b.world.StopWorker(t, syscall.SIGTERM)
	t.Setenv("LOCKSTEP_ENCRYPTION_KEYS", keys(t))
	b.world.StartWorker(t)
	token, access := reader(t)
	codec, log := codecServer(t, b.world, access)
	b.playWith(t, "codec", map[string]any{"codec": codec, "token": token, "plain": plain})
	seesNothing(t, b.world)
	said, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{plain, token} {
		if bytes.Contains(said, []byte(secret)) {
			t.Errorf("the codec server logs %q:\n%s", secret, said)
		}
	}
}

// seesNothing looks at what Temporal stores of the newest operation.
func seesNothing(t *testing.T, w *world.World) {
	t.Helper()
	var stored []byte
	for _, event := range w.History(t, &commonpb.WorkflowExecution{WorkflowId: workflows.CanonicalID(world.Environment), RunId: w.Run(t)}) {
		raw, err := proto.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, raw...)
	}
	if !bytes.Contains(stored, []byte("binary/encrypted")) || bytes.Contains(stored, []byte(plain)) {
		t.Errorf("Temporal stores what is not encrypted, or nothing that is:\n%q", stored)
	}
}

// keys is a folder with a key.
func keys(t *testing.T) string {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "one"), base64.StdEncoding.EncodeToString(key))
	return dir
}

// reader is the token of somebody who may read payloads, and the access file that knows it.
func reader(t *testing.T) (token, file string) {
	t.Helper()
	token, entry, err := auth.NewToken("jane", "reader", []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "access.yaml")
	write(t, file, "tokens:\n"+entry)
	return token, file
}

var answersAt = regexp.MustCompile(`Codec server ready.* address=(\S+)`)

// codecServer runs a codec server beside the Temporal UI, on the same host name, until the test ends.
func codecServer(t *testing.T, w *world.World, access string) (address, log string) {
	t.Helper()
	log = filepath.Join(w.Dir(), "logs", "codec-server.log")
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	server := w.Command("lockstep", "codec-server")
	server.Env = append(server.Env, "LOCKSTEP_CODEC_SERVER_ADDRESS=127.0.0.1:0", "LOCKSTEP_CODEC_SERVER_ACCESS_FILE="+access)
	server.Stdout, server.Stderr = file, file
	if err := process.StartChild(server); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		if err := server.Wait(); err != nil {
			t.Errorf("the codec server ended with %v", err)
		}
	})
	world.Eventually(t, "the codec server answers", func() bool {
		said, _ := os.ReadFile(log)
		found := answersAt.FindSubmatch(said)
		if found != nil {
			address = "http://" + string(found[1])
		}
		return found != nil
	})
	if ui, _, _ := strings.Cut(strings.TrimPrefix(w.Sandbox().UI, "http://"), ":"); !strings.HasPrefix(address, "http://"+ui+":") {
		t.Fatalf("the codec server is at %s, the UI at %s: its cookies would not be sent", address, w.Sandbox().UI)
	}
	return address, log
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
