package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/config/settings"
	"lockstep/internal/keystore"
	"lockstep/starter/codecserver"
)

// keysFolder has one encryption key, and none of the machine's settings count.
func keysFolder(t *testing.T) string {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "2026"), []byte("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestACodecServerIsNotStartedWithoutKeysOrForNobody(t *testing.T) {
	folder := keysFolder(t)
	lockstep(t.Context(), "codec-server").wants(t, exitBadInput, "LOCKSTEP_ENCRYPTION_KEYS")
	lockstep(t.Context(), "codec-server", "--encryption-keys", folder).wants(t, exitBadInput, "nobody may use the codec server", "LOCKSTEP_CODEC_SERVER_ACCESS_FILE")
	lockstep(t.Context(), "codec-server", "--encryption-keys", t.TempDir()).wants(t, exitBadInput, "openssl rand -base64 32")
	lockstep(t.Context(), "codec-server", "--encryption-keys", folder, "--codec-server-access-file", "/nowhere.yaml").wants(t, exitBadInput, "/nowhere.yaml")
	lockstep(t.Context(), "codec-server", "--encryption-keys", folder, "--codec-server-anonymous", "true", "--codec-server-tls-cert", "/nowhere.pem",
		"--codec-server-tls-key", "/nowhere.pem", "--codec-server-address", "127.0.0.1:0").wants(t, exitFailed, "/nowhere.pem")
	lockstep(t.Context(), "codec-server", "healthcheck", "--codec-server-address", "127.0.0.1:1").wants(t, exitFailed, "asking the codec server")
}

func TestACodecServerAnswersByTLSUntilItIsTold(t *testing.T) {
	folder := keysFolder(t)
	cert, key := certificate(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out lines
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"codec-server", "--encryption-keys", folder, "--codec-server-anonymous", "true", "--codec-server-address", "127.0.0.1:0",
			"--codec-server-tls-cert", cert, "--codec-server-tls-key", key}, &out, &out)
	}()
	address := out.address(t)
	if err := codecserver.Check(t.Context(), settings.CodecServer{Server: settings.Server{Address: address, TLSCert: cert}}); err != nil {
		t.Error(err)
	}
	if err := codecserver.Check(t.Context(), settings.CodecServer{Server: settings.Server{Address: address}}); err == nil {
		t.Error("it answers without TLS")
	}
	stop()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

// lines are what a command that goes on has said.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// address waits until the server says where it listens.
func (l *lines) address(t *testing.T) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, word := range strings.Fields(l.String()) {
			if address, found := strings.CutPrefix(word, "address="); found {
				if _, _, err := net.SplitHostPort(address); err == nil {
					return address
				}
			}
		}
	}
	t.Fatalf("it does not say where it listens: %s", l.String())
	return ""
}

// certificate writes one and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	ca, err := keystore.NewCA("localhost", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := ca.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, string(ca.CertPEM())), write(t, string(pem))
}
