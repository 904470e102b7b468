package rootfs

import (
	"archive/zip"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"

	"lockstep/internal/keystore"
)

// Where things are in the image.
const (
	// User runs the program: a number, so that Kubernetes can tell that it is not root.
	User = "65532:65532"
	// Home is the user's. Nothing is written there.
	Home = "/home/lockstep"
	// Settings is the working folder, where lockstep.yaml and environment files are mounted. Settings are read from there because
	// it is /etc/lockstep.
	Settings = "/etc/lockstep"
	// Cache is the one folder that is written to, besides /tmp. Anybody may, so that the program can run as any user.
	Cache = "/var/cache/lockstep"
	// Programs is the folder of the program.
	Programs = "/usr/local/bin"
)

// roots is where Go finds them last. It is outside /etc/ssl/certs: all in there is trusted in addition, also where SSL_CERT_FILE
// names another file. So that variable replaces these, and a file mounted into /etc/ssl/certs adds to them.
const roots = "etc/ssl/cert.pem"

// Base are the files that every image has: users, public CAs, time zones, folders. zoneinfo is Go's zip of time zones.
func Base(zoneinfo []byte) ([]Entry, error) {
	entries := []Entry{
		{Path: "etc/", Mode: 0o755},
		{Path: "etc/group", Mode: 0o644, Data: []byte("root:x:0:\nlockstep:x:65532:\n")},
		{Path: "etc/lockstep/", Mode: 0o755},
		{Path: "etc/passwd", Mode: 0o644, Data: []byte("root:x:0:0:root:/root:/sbin/nologin\nlockstep:x:65532:65532:lockstep:" + Home + ":/sbin/nologin\n")},
		{Path: "etc/ssl/", Mode: 0o755},
		{Path: "etc/ssl/certs/", Mode: 0o755},
		{Path: roots, Mode: 0o644, Data: publicRoots()},
		{Path: "home/", Mode: 0o755},
		{Path: "home/lockstep/", Mode: 0o755},
		{Path: "tmp/", Mode: 0o1777},
		{Path: "usr/", Mode: 0o755},
		{Path: "usr/local/", Mode: 0o755},
		{Path: "usr/local/bin/", Mode: 0o755},
		{Path: "usr/share/", Mode: 0o755},
		{Path: "usr/share/zoneinfo/", Mode: 0o755},
		{Path: "var/", Mode: 0o755},
		{Path: "var/cache/", Mode: 0o755},
		{Path: "var/cache/lockstep/", Mode: 0o1777},
	}
	zones, err := timeZones(zoneinfo)
	return append(entries, zones...), err
}

// publicRoots are those that Lockstep also puts into the products' stores.
func publicRoots() []byte {
	var out bytes.Buffer
	for _, cert := range keystore.PublicRoots() {
		fmt.Fprintf(&out, "# %s\n", cert.Subject)
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}) // a buffer takes everything
	}
	return out.Bytes()
}

func timeZones(archive []byte) ([]Entry, error) {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("reading the time zones of the Go toolchain: %w", err)
	}
	var entries []Entry
	for _, file := range r.File {
		data, err := content(file)
		if err != nil {
			return nil, fmt.Errorf("reading time zone %s: %w", file.Name, err)
		}
		entries = append(entries, Entry{Path: "usr/share/zoneinfo/" + file.Name, Mode: 0o644, Data: data})
	}
	return entries, nil
}

func content(file *zip.File) ([]byte, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
