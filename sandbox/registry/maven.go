package registry

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"net/http"
	"time"
)

// HandlerPath is the path of the notification handler below a Maven repository's root; its checksum is beside it.
const HandlerPath = "/nexus/content/repositories/releases/org/wso2/km/ext/wso2is/" +
	"wso2is.notification.event.handlers/2.1.3/wso2is.notification.event.handlers-2.1.3.jar"

// Maven serves a simulated notification handler and its .sha1 where WSO2's Maven repository has the real one.
func Maven() (http.Handler, error) {
	jar, err := HandlerJAR()
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(jar)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+HandlerPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/java-archive")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(jar))
	})
	mux.HandleFunc("GET "+HandlerPath+".sha1", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, hex.EncodeToString(sum[:]))
	})
	return mux, nil
}

// HandlerJAR is a bundle with the real one's names and nothing that a JVM could run. It is the same bytes for ever:
// entries are stored, not compressed, because a compressor's output may change with its version.
func HandlerJAR() ([]byte, error) {
	const manifest = "Manifest-Version: 1.0\r\n" +
		"Bundle-ManifestVersion: 2\r\n" +
		"Bundle-Name: simulated notification handler of the Lockstep sandbox\r\n" +
		"Bundle-SymbolicName: org.wso2.km.ext.wso2is.wso2is.notification.event.han\r\n dlers\r\n" +
		"Bundle-Version: 2.1.3\r\n\r\n"
	entries := []struct{ name, data string }{
		{"META-INF/MANIFEST.MF", manifest},
		{"org/wso2/is/notification/ApimOauthEventInterceptor.class", "simulated by the Lockstep sandbox\n"},
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		f, err := w.CreateRaw(stored(e.name, e.data))
		if err != nil {
			return nil, fmt.Errorf("adding %s to the handler: %w", e.name, err)
		}
		if _, err := f.Write([]byte(e.data)); err != nil {
			return nil, fmt.Errorf("adding %s to the handler: %w", e.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("closing the handler: %w", err)
	}
	return buf.Bytes(), nil
}

// stored is a header with sizes and checksum up front: Java refuses stored entries that have them behind the data.
func stored(name, data string) *zip.FileHeader {
	const firstOf2020 = (2020-1980)<<9 | 1<<5 | 1
	return &zip.FileHeader{
		Name: name, Method: zip.Store,
		//lint:ignore SA1019 Modified adds an extra field to the header
		ModifiedDate: firstOf2020,
		CRC32:        crc32.ChecksumIEEE([]byte(data)), CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	}
}
