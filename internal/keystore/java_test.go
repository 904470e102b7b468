package keystore

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeytoolReadsEveryStore(t *testing.T) {
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		t.Skip("no keytool here")
	}
	_, existing := testStores(t)
	dir := writeStores(t, existing)
	trusted := len(PublicRoots()) + 2 // the CA and the own signing certificate

	tests := []struct {
		file, storeType string
		keys, certs     int
	}{
		{PrimaryJKS, "JKS", 1, 0}, {TLSJKS, "JKS", 1, 0}, {InternalJKS, "JKS", 1, 0},
		{TruststoreJKS, "JKS", 0, trusted + 1}, // and the gateway's alias
		{PrimaryP12, "PKCS12", 1, 0}, {TLSP12, "PKCS12", 1, 0}, {InternalP12, "PKCS12", 1, 0},
		{TruststoreP12, "PKCS12", 0, trusted},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			out, err := exec.Command(keytool, "-J-Duser.language=en", "-list", "-v", "-storetype", tt.storeType,
				"-keystore", filepath.Join(dir, tt.file), "-storepass", testPassword).Output()
			if err != nil {
				t.Fatalf("keytool: %v\n%s", err, out)
			}
			text := string(out)
			if got := strings.Count(text, "Entry type: PrivateKeyEntry"); got != tt.keys {
				t.Errorf("%d private keys, want %d", got, tt.keys)
			}
			if got := strings.Count(text, "Entry type: trustedCertEntry"); got != tt.certs {
				t.Errorf("%d trusted certificates, want %d", got, tt.certs)
			}
			if !regexp.MustCompile(`(?m)^Alias name: wso2carbon$`).MatchString(text) {
				t.Errorf("no alias wso2carbon in\n%s", text)
			}
			if tt.keys == 1 && !strings.Contains(text, "Certificate chain length: 2") {
				t.Errorf("no chain of two in\n%s", text)
			}
		})
	}
}

func TestJavaServesAndTrustsWithTheStoresOfBothSides(t *testing.T) {
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip("no java here")
	}
	_, existing := testStores(t)
	dir := writeStores(t, existing)
	want := "apim is apim-wso2am-all-in-one-am-service.apim.svc.cluster.local\n" + // server, client, name
		"is apim is-identity-server\n" +
		"apim apim localhost\n" +
		"is is km.wso2.com\n"
	args := append([]string{"testdata/Stores.java", dir, testPassword}, strings.Fields(want)...)
	out, err := exec.Command(java, args...).CombinedOutput()
	if diff := cmp.Diff(want, string(out)); err != nil || diff != "" {
		t.Errorf("java: %v (-want +got)\n%s", err, diff)
	}
}

func writeStores(t *testing.T, existing Existing) string {
	t.Helper()
	dir := t.TempDir()
	all := maps.Clone(existing.APIM)
	maps.Copy(all, existing.IS)
	for name, data := range all {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
