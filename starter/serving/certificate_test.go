package serving

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lockstep/internal/keystore"
)

func TestWhileACertificateIsRenewedTheOneBeforeGoesOn(t *testing.T) {
	folder := t.TempDir()
	p := &pair{cert: filepath.Join(folder, "tls.crt"), key: filepath.Join(folder, "tls.key"), of: Name{Title: "API", Key: "api"}, log: slog.New(slog.DiscardHandler)}
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	renew := func(name string) {
		t.Helper()
		ca, err := keystore.NewCA(name, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ca.KeyPEM()
		if err != nil {
			t.Fatal(err)
		}
		write(p.cert, string(ca.CertPEM()))
		write(p.key, string(key))
	}
	wants := func(name string) {
		t.Helper()
		p.looked = time.Time{}
		now, err := p.get(nil)
		if err != nil || now.Leaf.Subject.CommonName != name {
			t.Errorf("%v, %v, want %s", now, err, name)
		}
	}
	if _, err := p.config(); err == nil {
		t.Error("a server without its certificate starts")
	}
	renew("first")
	wants("first")
	write(p.key, "no key")
	wants("first")
	renew("second")
	wants("second")
}
